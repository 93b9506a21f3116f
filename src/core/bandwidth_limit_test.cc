#include "core/bandwidth_limit.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

TEST(ByteRate, IsReadInItsUnits) {
  EXPECT_EQ(parse_rate("50MB").value(), ByteRate(50'000'000));
  EXPECT_EQ(parse_rate("50 MB/s").value(), ByteRate(50'000'000));
  EXPECT_EQ(parse_rate("1.5GB").value(), ByteRate(1'500'000'000));
  EXPECT_EQ(parse_rate("400Mbit").value(), ByteRate(50'000'000));
  EXPECT_EQ(parse_rate("48MiB/s").value(), ByteRate(50'331'648));
  EXPECT_EQ(parse_rate("100000B").value(), ByteRate(100'000));
  EXPECT_EQ(parse_rate("none").value(), ByteRate());
}

TEST(ByteRate, RefusesOtherText) {
  for (const char* text : {"", "50", "MB", "-1MB", "0MB", "99kB", "2000GB", "50mb", "50MB/h", "50  MB", "infMB",
                           "nanMB", "1e9MB", "0x10MB", "50MB ", "None"}) {
    EXPECT_FALSE(parse_rate(text)) << text;
  }
}

TEST(ByteRate, IsWrittenAsItWouldBeRead) {
  for (const char* text : {"100kB", "50MB", "1GB", "1500MB", "123456789B", "none"}) {
    EXPECT_EQ(to_text(parse_rate(text).value()), text);
  }
  EXPECT_EQ(to_text(parse_rate("48MiB").value()), "50331648B");
}

TEST(Window, IsReadAndWritten) {
  for (const char* text : {"Mon-Fri 08:00-18:00 10MB", "daily 22:00-06:00 none", "Sat,Sun 00:00-24:00 1GB",
                           "Mon,Wed-Fri 23:59-00:01 100kB"}) {
    const auto window = parse_window(text);
    ASSERT_TRUE(window) << text;
    EXPECT_EQ(to_text(*window), text);
  }
  EXPECT_EQ(to_text(parse_window("Fri-Mon 08:00-18:00 10MB").value()), "Mon,Fri-Sun 08:00-18:00 10MB");
}

TEST(Window, RefusesOtherText) {
  for (const char* text :
       {"", "Mon", "Mon 08:00-18:00", "Mon 08:00 10MB", "Mon 8:00-18:00 10MB", "Mon 08:00-24:01 10MB",
        "Mon 24:00-08:00 10MB", "Mon 08:00-00:00 10MB", "Mon 08:00-08:00 10MB", "Mon 08:60-18:00 10MB",
        "Mo 08:00-18:00 10MB", "mon 08:00-18:00 10MB", "Mon, 08:00-18:00 10MB", ",Mon 08:00-18:00 10MB",
        "Mon-Tue-Wed 08:00-18:00 10MB", "Mon  08:00-18:00 10MB", "Mon 08:00-18:00 fast", "Mon +8:00-18:00 10MB",
        "Mon 08:00-18:00  10MB"}) {
    EXPECT_FALSE(parse_window(text)) << text;
  }
}

TEST(Window, ContainsItsDaysAndMinutes) {
  const auto day = parse_window("Mon-Fri 08:00-18:00 10MB").value();
  EXPECT_FALSE(day.contains({0, 8 * 60 - 1}));
  EXPECT_TRUE(day.contains({0, 8 * 60}));
  EXPECT_TRUE(day.contains({4, 18 * 60 - 1}));
  EXPECT_FALSE(day.contains({4, 18 * 60}));
  EXPECT_FALSE(day.contains({5, 12 * 60}));
}

TEST(Window, MayEndOnTheDayAfter) {
  const auto night = parse_window("Sun 22:00-06:00 none").value();
  EXPECT_TRUE(night.contains({6, 23 * 60}));
  EXPECT_TRUE(night.contains({0, 6 * 60 - 1})) << "Monday morning";
  EXPECT_FALSE(night.contains({0, 6 * 60}));
  EXPECT_FALSE(night.contains({0, 23 * 60}));
  EXPECT_FALSE(night.contains({6, 5 * 60})) << "Sunday morning is Saturday's night";
}

TEST(Limit, TheFirstWindowThatContainsTheTimeApplies) {
  BandwidthLimit limit{{}, 1'000'000, {}, "UTC"};
  limit.windows = {parse_window("Mon 08:00-12:00 2MB").value(), parse_window("daily 08:00-18:00 none").value()};
  EXPECT_EQ(limit.rate_at({0, 9 * 60}), ByteRate(2'000'000));
  EXPECT_EQ(limit.rate_at({0, 13 * 60}), ByteRate());
  EXPECT_EQ(limit.rate_at({0, 19 * 60}), ByteRate(1'000'000));
}

}  // namespace
}  // namespace vodlift
