#include "core/part_plan.h"

#include <gtest/gtest.h>

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

TEST(PartPlan, ThresholdItselfGoesWhole) {
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

TEST(PartPlan, KeepsToTheStoresOwnLimit) {
  for (const int most : {kLeastMaxParts, 1000, 9999}) {
    const std::int64_t even = kPreferredPartBytes * most;
    for (const std::int64_t size : {std::int64_t{1}, even - 1, even, even + 1, kMaxPartBytes * most}) {
      const auto plan = plan_parts(size, most);
      ASSERT_TRUE(plan) << size;
      expect_exact(*plan);
      EXPECT_LE(plan->count, most);
    }
    EXPECT_EQ(plan_parts(even, most)->part_size, kPreferredPartBytes);
    EXPECT_FALSE(plan_parts(kMaxPartBytes * most + 1, most));
  }
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

TEST(PartPlan, AnEarlierPartSizeIsKeptWhereItHolds) {
  EXPECT_EQ(plan_with_part_size(100 * kMiB, 8 * kMiB)->count, 13);
  EXPECT_EQ(plan_with_part_size(8 * kMiB * kMaxParts + 1, 8 * kMiB).error().code, Errc::invalid_value);
  EXPECT_EQ(plan_with_part_size(100 * kMiB, kMinPartBytes - 1).error().code, Errc::invalid_value);
}

}  // namespace
}  // namespace vodlift
