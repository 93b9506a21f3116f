#include "base/near_miss.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace vodlift {
namespace {

TEST(NearMiss, OneCharacterOff) {
  for (const std::string_view name :
       {"ath", "pth", "pat", "paths", "xpath", "paath", "poth", "Path", "path ", "apth", "ptah", "paht"}) {
    EXPECT_TRUE(is_near_miss(name, "path")) << name;
    EXPECT_TRUE(is_near_miss("path", name)) << name;
  }
}

TEST(NearMiss, CaseAndUnderscoresDoNotCount) {
  for (const std::string_view name :
       {"destinationPath", "DestinationPath", "DESTINATION_PATH", "destination-path", "destination__path_"}) {
    EXPECT_TRUE(is_near_miss(name, "destination_path")) << name;
  }
}

TEST(NearMiss, OtherNamesAreNone) {
  for (const std::string_view name : {"path", "", "p", "file", "pa", "htap", "athp", "pathes", "path_x_", "source"}) {
    EXPECT_FALSE(is_near_miss(name, "path")) << name;
  }
  EXPECT_FALSE(is_near_miss("", ""));
  EXPECT_FALSE(is_near_miss("destination", "destination_path"));
  EXPECT_FALSE(is_near_miss(std::string(100000, 'a'), "acl"));
}

TEST(NearMiss, TheFirstOfSeveralNames) {
  constexpr std::array<std::string_view, 3> kKnown = {"listen", "threads", "thread"};
  EXPECT_EQ(near_miss_of("theads", kKnown), "threads");
  EXPECT_EQ(near_miss_of("threads", kKnown), "thread") << "the name itself is no slip";
  EXPECT_EQ(near_miss_of("connections", kKnown), "");
}

}  // namespace
}  // namespace vodlift
