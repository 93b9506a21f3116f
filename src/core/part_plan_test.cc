#include "core/part_plan.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace vodlift {
namespace {

constexpr std::int64_t kMiB = 1024 * 1024;

void expect_exact(const PartPlan& plan) {
  std::int64_t sum = 0;
  for (const int number : {1, plan.count}) EXPECT_GT(plan.size_of(number), 0);
  sum = plan.offset_of(plan.count) + plan.size_of(plan.count);
  EXPECT_EQ(sum, plan.size);
  EXPECT_LE(plan.count, kMaxParts);
  EXPECT_GE(plan.part_size, kMinPartBytes);
  EXPECT_LE(plan.part_size, kMaxPartBytes);
  EXPECT_LE(plan.size_of(plan.count), plan.part_size);
}

TEST(PartPlan, AFileOfTheThresholdIsSentWhole) {
  EXPECT_FALSE(wants_multipart(0));
  EXPECT_FALSE(wants_multipart(kMultipartThresholdBytes));
  EXPECT_TRUE(wants_multipart(kMultipartThresholdBytes + 1));
}

TEST(PartPlan, EdgesByOneByte) {
  const std::int64_t even = kPreferredPartBytes * kMaxParts;
  for (const std::int64_t size : {std::int64_t{1}, kMinPartBytes - 1, kMinPartBytes, kMinPartBytes + 1,
                                  kPreferredPartBytes - 1, kPreferredPartBytes, kPreferredPartBytes + 1, even - 1, even,
                                  even + 1, kMaxPartBytes * kMaxParts - 1, kMaxPartBytes * kMaxParts}) {
    const auto plan = plan_parts(size);
    ASSERT_TRUE(plan) << size;
    expect_exact(*plan);
  }
}

TEST(PartPlan, RespectsTheStoresLimit) {
  for (const int most : {kLeastMaxParts, 1000, 9999}) {
    const std::int64_t even = kPreferredPartBytes * most;
    for (const std::int64_t size : {std::int64_t{1}, even - 1, even, even + 1, kMaxPartBytes * most}) {
      const auto plan = plan_parts(size, {.max_parts = most});
      ASSERT_TRUE(plan) << size;
      expect_exact(*plan);
      EXPECT_LE(plan->count, most);
    }
    EXPECT_EQ(plan_parts(even, {.max_parts = most})->part_size, kPreferredPartBytes);
    EXPECT_FALSE(plan_parts(kMaxPartBytes * most + 1, {.max_parts = most}));
  }
}

TEST(PartPlan, AChosenSizeGoesBeforeTheRate) {
  const PartBounds bounds{.part_size = 6 * kMiB};
  EXPECT_EQ(plan_parts(100 * kMiB, bounds, 1000 * kMiB)->part_size, 6 * kMiB);
  EXPECT_EQ(plan_parts(100 * kMiB, bounds, 1)->part_size, 6 * kMiB);
  EXPECT_EQ(plan_parts(6 * kMiB * kMaxParts + 1, bounds)->part_size, 7 * kMiB) << "as many parts as are allowed";
  EXPECT_FALSE(wants_multipart(6 * kMiB, bounds));
  EXPECT_TRUE(wants_multipart(6 * kMiB + 1, bounds)) << "no request is larger than a part";
  EXPECT_TRUE(wants_multipart(kMultipartThresholdBytes + 1, {.part_size = 100 * kMiB}));
}

TEST(PartPlan, KeepsBelowWhatTheBucketTakesAtOnce) {
  const PartBounds bounds{.max_parts = 100, .largest = 8 * kMiB};
  EXPECT_EQ(plan_parts(100 * kMiB, bounds)->part_size, 8 * kMiB);
  EXPECT_EQ(plan_parts(800 * kMiB, bounds)->part_size, 8 * kMiB);
  EXPECT_EQ(plan_parts(800 * kMiB + 1, bounds).error().code, Errc::s3_too_large);
  EXPECT_EQ(plan_parts(100 * kMiB, {.part_size = 64 * kMiB, .largest = 8 * kMiB})->part_size, 8 * kMiB);
  EXPECT_EQ(plan_parts(100 * kMiB, {.largest = kMinPartBytes}, 1000 * kMiB)->part_size, kMinPartBytes);
  EXPECT_FALSE(wants_multipart(8 * kMiB, bounds));
  EXPECT_TRUE(wants_multipart(8 * kMiB + 1, bounds));
}

TEST(PartPlan, KeepsThePreferredSizeAsLongAsItFits) {
  EXPECT_EQ(plan_parts(kPreferredPartBytes * kMaxParts)->part_size, kPreferredPartBytes);
  EXPECT_EQ(plan_parts(kPreferredPartBytes * kMaxParts + 1)->part_size, kPreferredPartBytes + kMiB);
}

TEST(PartPlan, RefusesWhatS3CannotHold) {
  EXPECT_EQ(plan_parts(kMaxPartBytes * kMaxParts + 1).error().code, Errc::invalid_value);
  EXPECT_EQ(plan_parts(0).error().code, Errc::invalid_value);
}

TEST(PartPlan, OffsetsFollowEachOther) {
  const PartPlan plan = *plan_parts(40 * kMiB + 7);
  EXPECT_EQ(plan.count, 3);
  EXPECT_EQ(plan.offset_of(1), 0);
  EXPECT_EQ(plan.offset_of(3), 32 * kMiB);
  EXPECT_EQ(plan.size_of(3), 8 * kMiB + 7);
}

std::int64_t part_mib(std::int64_t size_mib, std::int64_t rate_mib) {
  return plan_parts(size_mib * kMiB, {}, rate_mib * kMiB)->part_size / kMiB;
}

TEST(PartPlan, APartTakesTwoSecondsAtTheRate) {
  constexpr std::int64_t kLarge = 100 * 1024;
  EXPECT_EQ(part_mib(kLarge, 6), 12);
  EXPECT_EQ(part_mib(kLarge, 20), 40);
  EXPECT_EQ(plan_parts(kLarge * kMiB, {}, 6 * kMiB + kMiB / 4)->part_size, 12 * kMiB) << "whole MiB";
  EXPECT_EQ(part_mib(kLarge, 33), 64) << "not more";
  EXPECT_EQ(part_mib(1024, 0), 8) << "not less";
  EXPECT_EQ(part_mib(1024, 3), 8);
}

TEST(PartPlan, AFastLinkLeavesEnoughParts) {
  constexpr std::int64_t kFast = 1000;
  EXPECT_EQ(part_mib(17, kFast), 16) << "as without a rate";
  EXPECT_EQ(part_mib(1024, kFast), 16);
  EXPECT_EQ(part_mib(std::int64_t{17} * 64, kFast), 17);
  EXPECT_EQ(part_mib(std::int64_t{17} * 64 - 1, kFast), 16);
  EXPECT_EQ(part_mib(std::int64_t{64} * 64, kFast), 64);
}

TEST(PartPlan, WhateverTheSizeTheRateAndTheLimit) {
  std::mt19937_64 random(4711);
  const auto between = [&random](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  };
  // As many small as large ones: a random number of bits.
  const auto any = [&](std::int64_t most) { return std::min(most, 1 + (between(0, most) >> between(0, 62))); };
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  for (int round = 0; round < 200'000; ++round) {
    const int max_parts = static_cast<int>(round % 2 == 0 ? kMaxParts : between(kLeastMaxParts, kMaxParts));
    const std::int64_t size = any(kMaxPartBytes * max_parts);
    const std::int64_t rate = round % 10 == 0 ? (round % 20 == 0 ? 0 : kMost) : any(kMost - 1) - between(0, 2);
    SCOPED_TRACE(testing::Message() << size << " bytes at " << rate << ", " << max_parts << " parts");
    const PartBounds bounds{.max_parts = max_parts};
    const auto plan = plan_parts(size, bounds, rate);
    const auto unrated = plan_parts(size, bounds);
    ASSERT_TRUE(plan && unrated);
    expect_exact(*plan);
    expect_exact(*unrated);
    EXPECT_LE(plan->count, max_parts);
    EXPECT_EQ(plan->part_size % kMiB, 0);
    EXPECT_GE(plan->part_size, kSmallestRatedPartBytes);
    if (plan->part_size > unrated->part_size) {
      EXPECT_GE(plan->count, kLeastRatedParts);
      EXPECT_LE(plan->part_size, kLargestRatedPartBytes);
      EXPECT_LE(plan->part_size / kPartSeconds, rate);
    }
    if (plan->part_size < unrated->part_size) {
      EXPECT_LT(rate, kPreferredPartBytes / kPartSeconds);
    }
    if (HasFailure()) return;
  }
}

TEST(PartPlan, AnEarlierPartSizeIsKeptWhereItHolds) {
  EXPECT_EQ(plan_with_part_size(100 * kMiB, 8 * kMiB)->count, 13);
  EXPECT_EQ(plan_with_part_size(8 * kMiB * kMaxParts + 1, 8 * kMiB).error().code, Errc::invalid_value);
  EXPECT_EQ(plan_with_part_size(100 * kMiB, kMinPartBytes - 1).error().code, Errc::invalid_value);
}

}  // namespace
}  // namespace vodlift
