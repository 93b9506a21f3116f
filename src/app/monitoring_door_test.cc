#include "app/monitoring_door.h"

#include <gtest/gtest.h>

namespace vodlift::app {
namespace {

using std::chrono::seconds;

TEST(NotReady, NamesEachReason) {
  EXPECT_TRUE(not_ready_for({}, false).empty());
  StoreHealth health;
  health.busy_for = seconds(9);
  EXPECT_TRUE(not_ready_for(health, false).empty()) << "a commit may take a while";
  health.busy_for = seconds(10);
  health.disk_full = true;
  health.refuses_for = seconds(7);
  const std::vector<std::string> expected = {"the server is stopping", "the database's disk is full",
                                             "the database has refused changes for 7 s",
                                             "the database's disk has not answered for 10 s"};
  EXPECT_EQ(not_ready_for(health, true), expected);
}

TEST(NotReady, SaysWhyTheDatabaseRefuses) {
  StoreHealth health;
  health.refuses_for = seconds(7);
  health.why = "the database cannot be reached";
  const std::vector<std::string> expected = {
      "the database has refused changes for 7 s: the database cannot be reached"};
  EXPECT_EQ(not_ready_for(health, false), expected);
}

TEST(NotReady, ADamagedTableKeepsNobodyOut) {
  StoreHealth health;
  health.damaged = 1;
  EXPECT_TRUE(not_ready_for(health, false).empty());
}

TEST(MonitoringDoor, TakesItsPathsOnly) {
  const auto request = [](std::string target) {
    net::Request made;
    made.target = std::move(target);
    return made;
  };
  for (const char* path : {"/metrics", "/healthz", "/readyz", "/metrics?x=1"}) {
    EXPECT_TRUE(MonitoringDoor::takes(request(path))) << path;
  }
  for (const char* path : {"/", "/metrics/", "/api/v1/metrics", "/healthzz", ""}) {
    EXPECT_FALSE(MonitoringDoor::takes(request(path))) << path;
  }
}

}  // namespace
}  // namespace vodlift::app
