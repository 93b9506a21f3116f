#include "callback/retry_after.h"

#include <gtest/gtest.h>

namespace vodlift::callback {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

// Sun, 06 Nov 1994 08:49:37 GMT
constexpr std::int64_t kSunday = 784111777;
const WallTime kTenSecondsBefore = from_unix_ms((kSunday - 10) * 1000);

std::optional<seconds> parse(std::string_view value) { return parse_retry_after(value, kTenSecondsBefore); }

TEST(RetryAfter, TakesSeconds) {
  EXPECT_EQ(parse("0"), seconds(0));
  EXPECT_EQ(parse("120"), seconds(120));
  EXPECT_EQ(parse("007"), seconds(7));
  EXPECT_EQ(parse("86400"), hours(24));
}

TEST(RetryAfter, CutsToADay) {
  EXPECT_EQ(parse("86401"), hours(24));
  EXPECT_EQ(parse("315360000"), hours(24));
  EXPECT_EQ(parse("99999999999999999999999999"), hours(24));
  EXPECT_EQ(parse("Sun, 06 Nov 2044 08:49:37 GMT"), hours(24));
}

TEST(RetryAfter, TakesTheThreeDateForms) {
  EXPECT_EQ(parse("Sun, 06 Nov 1994 08:49:37 GMT"), seconds(10));
  EXPECT_EQ(parse("Sunday, 06-Nov-94 08:49:37 GMT"), seconds(10));
  EXPECT_EQ(parse("Sun Nov  6 08:49:37 1994"), seconds(10));
  EXPECT_EQ(parse("Wed Nov 16 08:49:37 1994"), hours(24));
}

TEST(RetryAfter, ADateThatHasPassedIsNow) {
  EXPECT_EQ(parse("Sat, 05 Nov 1994 08:49:37 GMT"), seconds(0));
  EXPECT_EQ(parse("Thu, 01 Jan 1970 00:00:00 GMT"), seconds(0));
}

TEST(RetryAfter, RoundsUpToWholeSeconds) {
  const WallTime now = from_unix_ms((kSunday - 10) * 1000 + 1);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), seconds(10));
}

TEST(RetryAfter, TwoDigitYearsAreNeverFarAhead) {
  const WallTime in_2025 = from_unix_ms(1'750'000'000'000);
  // 94 is 1994, not 2094.
  EXPECT_EQ(parse_retry_after("Sunday, 06-Nov-94 08:49:37 GMT", in_2025), seconds(0));
  // 26 is 2026: Friday.
  EXPECT_EQ(parse_retry_after("Friday, 06-Nov-26 08:49:37 GMT", in_2025), hours(24));
}

TEST(RetryAfter, LeapDaysAndSeconds) {
  const WallTime before = from_unix_ms(951'782'400'000 - 5'000);  // five seconds before Tue, 29 Feb 2000 00:00:00
  EXPECT_EQ(parse_retry_after("Tue, 29 Feb 2000 00:00:00 GMT", before), seconds(5));
  EXPECT_EQ(parse("Sun, 06 Nov 1994 08:49:60 GMT"), seconds(32));
}

TEST(RetryAfter, RefusesEverythingElse) {
  for (const std::string_view value : {"",
                                       " ",
                                       "-1",
                                       "+1",
                                       "1.5",
                                       "1 ",
                                       " 1",
                                       "1e3",
                                       "0x10",
                                       "soon",
                                       "120 seconds",
                                       "Sun, 06 Nov 1994 08:49:37",
                                       "Sun, 06 Nov 1994 08:49:37 UTC",
                                       "Sun, 06 Nov 1994 08:49:37 GMT ",
                                       "Sun, 06 Nov 1994 08:49:37 +0000",
                                       "sun, 06 nov 1994 08:49:37 gmt",
                                       "Mon, 06 Nov 1994 08:49:37 GMT",
                                       "Sun, 6 Nov 1994 08:49:37 GMT",
                                       "Sun, 31 Nov 1994 08:49:37 GMT",
                                       "Thu, 29 Feb 1996 24:00:00 GMT",
                                       "Wed, 29 Feb 1995 00:00:00 GMT",
                                       "Sun, 06 Nov 1994 08:60:37 GMT",
                                       "Sun, 06 Nov 1994 08:49:61 GMT",
                                       "Sun, 06 Nov 1994 -8:49:37 GMT",
                                       "Sun, 06 Nov 94 08:49:37 GMT",
                                       "Sun, 06-Nov-94 08:49:37 GMT",
                                       "Sun Nov 6 08:49:37 1994",
                                       "Sun, 00 Nov 1994 08:49:37 GMT",
                                       "1994-11-06T08:49:37Z"}) {
    EXPECT_EQ(parse(value), std::nullopt) << value;
  }
  EXPECT_EQ(parse(std::string_view("1\0", 2)), std::nullopt);
}

}  // namespace
}  // namespace vodlift::callback
