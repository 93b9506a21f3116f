#include "app/capacity.h"

#include <gtest/gtest.h>

namespace vodlift::app {
namespace {

Config config_of(std::optional<int> connections = {}, int uploads = 8) {
  Config config;
  config.server.connections = connections;
  config.worker.uploads = uploads;
  config.storages.resize(2);
  return config;
}

TEST(Capacity, TheReserveGrowsWithWhatTheWorkerMayOpen) {
  // 768, 10 × (4 × 4 + 1) connections, 10 × 2 files, 2 × 8 of storages.
  EXPECT_EQ(reserved_descriptors(config_of()), 768U + 170 + 20 + 16);
  Config with_panel = config_of();
  with_panel.panel.listen = "127.0.0.1:8090";
  EXPECT_EQ(reserved_descriptors(with_panel), 768U + 256 + 170 + 20 + 16);
  EXPECT_EQ(reserved_descriptors(config_of({}, 256)), 768U + 4386 + 516 + 16);
}

TEST(Capacity, WithoutASettingAsManyClientsAsThereIsRoomFor) {
  EXPECT_EQ(client_connections(config_of(), 65536).value(), 20000U);
  EXPECT_EQ(client_connections(config_of(), 20000).value(), 20000U - 974);
  EXPECT_EQ(client_connections(config_of(), 1024).value(), 50U);
}

TEST(Capacity, ASettingWithoutRoomIsAnErrorThatSaysWhatToDo) {
  EXPECT_EQ(client_connections(config_of(50), 1024).value(), 50U);
  const auto refused = client_connections(config_of(51), 1024);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::config_invalid);
  EXPECT_NE(refused.error().message.find("to 1025, or set connections to 50 at most"), std::string::npos)
      << refused.error().message;
}

TEST(Capacity, TheWorkerAloneNeedsMoreThanThereIs) {
  for (const auto& config : {config_of(), config_of(1)}) {
    const auto refused = client_connections(config, 600);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("[worker] uploads"), std::string::npos) << refused.error().message;
  }
}

}  // namespace
}  // namespace vodlift::app
