#include "base/time_zone.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

TEST(TimeZone, TellsDayAndMinute) {
  const auto utc = TimeZone::find("UTC").value();
  const LocalTime thursday = utc.at(from_unix_ms(0));
  EXPECT_EQ(thursday.weekday, 3);
  EXPECT_EQ(thursday.minute, 0);
  EXPECT_EQ(utc.at(from_unix_ms(-1)).weekday, 2);
  EXPECT_EQ(utc.at(from_unix_ms(-1)).minute, 1439);
}

TEST(TimeZone, KnowsDaylightSaving) {
  const auto paris = TimeZone::find("Europe/Paris").value();
  EXPECT_EQ(paris.at(from_unix_ms(1774745999000)).minute, 119) << "29 March 2026, 00:59:59 UTC";
  EXPECT_EQ(paris.at(from_unix_ms(1774746000000)).minute, 180) << "two o'clock does not exist";
  EXPECT_EQ(paris.at(from_unix_ms(1774746000000)).weekday, 6);
}

TEST(TimeZone, RefusesWhatThereIsNot) {
  for (const char* name : {"", "Mars/Olympus", "../../etc/passwd", "europe"}) {
    const auto zone = TimeZone::find(name);
    ASSERT_FALSE(zone) << name;
    EXPECT_EQ(zone.error().code, Errc::invalid_value);
  }
}

}  // namespace
}  // namespace vodlift
