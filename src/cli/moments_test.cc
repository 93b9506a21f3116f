#include "cli/moments.h"

#include <gtest/gtest.h>

namespace vodlift::cli {
namespace {

TEST(Duration, IsANumberAndAUnit) {
  EXPECT_EQ(parse_duration("0")->count(), 0);
  EXPECT_EQ(parse_duration("90s")->count(), 90);
  EXPECT_EQ(parse_duration("30m")->count(), 1800);
  EXPECT_EQ(parse_duration("24h")->count(), 86400);
  EXPECT_EQ(parse_duration("30d")->count(), 2592000);
  for (const std::string_view text : {"", "h", "24", "-1h", "+1h", "1.5h", "1w", "24 h", "99999999d",
                                      "9223372036854775807s", "92233720368547758070s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Moment, IsFromNowOrADay) {
  EXPECT_EQ(parse_moment("24h", 1000), 87400);
  EXPECT_EQ(parse_moment("2023-11-14", 0), 1'699'920'000);
  EXPECT_EQ(parse_moment("2024-02-29", 0), 1'709'164'800);
  for (const std::string_view text : {"2023-02-29", "2023-13-01", "2023-1-1", "14.11.2023", "tomorrow", "2023-11-1x"}) {
    EXPECT_FALSE(parse_moment(text, 0)) << text;
  }
}

}  // namespace
}  // namespace vodlift::cli
