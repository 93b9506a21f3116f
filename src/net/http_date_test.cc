#include "net/http_date.h"

#include <gtest/gtest.h>

namespace vodlift::net {
namespace {

// Sun, 06 Nov 1994 08:49:37 GMT
constexpr std::chrono::sys_seconds kSunday{std::chrono::seconds(784111777)};
const WallTime kNow = from_unix_ms(1'750'000'000'000);  // in 2025

TEST(ParseHttpDate, TakesTheThreeForms) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", kNow), kSunday);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", kNow), kSunday);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994", kNow), kSunday);
}

TEST(ParseHttpDate, RefusesWhatIsNoDate) {
  for (const std::string_view text :
       {"", "now", "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 1994 08:49:37 GMT ", "sun, 06 nov 1994 08:49:37 gmt"}) {
    EXPECT_EQ(parse_http_date(text, kNow), std::nullopt) << text;
  }
}

TEST(HttpDate, IsWrittenInTheFirstForm) {
  EXPECT_EQ(http_date(kSunday), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(std::chrono::sys_seconds()), "Thu, 01 Jan 1970 00:00:00 GMT");
}

}  // namespace
}  // namespace vodlift::net
