#include "core/statistics.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kNow = from_unix_ms(1'690'000'000'000) + 123ms;

TEST(SlotBegin, AtWholeMinutesHoursAndDays) {
  EXPECT_EQ(to_unix_seconds(slot_begin(Resolution::minute, kNow)) % 60, 0);
  EXPECT_EQ(to_unix_seconds(slot_begin(Resolution::day, kNow)) % 86400, 0);
  EXPECT_LE(slot_begin(Resolution::hour, kNow), kNow);
  EXPECT_GT(slot_begin(Resolution::hour, kNow), kNow - 1h);
  EXPECT_EQ(slot_begin(Resolution::minute, from_unix_ms(-1)), from_unix_ms(-60'000));
}

TEST(EmptySlots, AreThoseOfTheRingThatAreWanted) {
  EXPECT_EQ(empty_slots({.resolution = Resolution::hour}, kNow).size(), 192U);
  const auto three = empty_slots({.resolution = Resolution::minute, .since = kNow - 2min}, kNow);
  ASSERT_EQ(three.size(), 3U);
  EXPECT_EQ(three.back().begins, slot_begin(Resolution::minute, kNow));
  EXPECT_TRUE(empty_slots({.since = kNow + 1min}, kNow).empty());
}

TEST(SlotAt, FindsTheSlotThatBeginsThen) {
  auto slots = empty_slots({.since = kNow - 2min}, kNow);
  EXPECT_EQ(slot_at(slots, Resolution::minute, slots[1].begins), &slots[1]);
  EXPECT_EQ(slot_at(slots, Resolution::minute, slots[0].begins - 1min), nullptr);
  EXPECT_EQ(slot_at(slots, Resolution::minute, slots[2].begins + 1min), nullptr);
  slots.clear();
  EXPECT_EQ(slot_at(slots, Resolution::minute, kNow), nullptr);
}

}  // namespace
}  // namespace vodlift
