#include "core/rate_limiter.h"

#include <gtest/gtest.h>

#include <string>

namespace vodlift {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr nanoseconds kNone{0};
constexpr SteadyTime kStart{std::chrono::hours(1000)};

TEST(RateLimiter, B26GivesExactlyTheBurstAndThenOneTokenEachInterval) {
  RateLimiter limiter({.per_second = 10, .burst = 5}, 64);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limiter.take("a", kStart), kNone) << i;
  EXPECT_EQ(limiter.take("a", kStart), milliseconds(100));
  EXPECT_EQ(limiter.take("a", kStart), milliseconds(100)) << "asking in vain costs nothing";
  EXPECT_EQ(limiter.wait("a", kStart + milliseconds(40)), milliseconds(60));
  EXPECT_EQ(limiter.take("a", kStart + milliseconds(100) - nanoseconds(1)), nanoseconds(1));
  EXPECT_EQ(limiter.take("a", kStart + milliseconds(100)), kNone);
  EXPECT_EQ(limiter.take("a", kStart + milliseconds(100)), milliseconds(100));
  EXPECT_EQ(limiter.take("a", kStart + milliseconds(300)), kNone);
  EXPECT_EQ(limiter.take("a", kStart + milliseconds(300)), kNone) << "two intervals, two tokens";
  EXPECT_NE(limiter.take("a", kStart + milliseconds(300)), kNone);
}

TEST(RateLimiter, B26NeverHoldsMoreThanTheBurst) {
  RateLimiter limiter({.per_second = 1000, .burst = 3}, 64);
  for (int round = 0; round < 3; ++round) {
    const auto now = kStart + seconds(round * 3600);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.take("a", now), kNone);
    EXPECT_EQ(limiter.take("a", now), milliseconds(1));
  }
}

TEST(RateLimiter, B26OverALongTimeGivesTheRate) {
  RateLimiter limiter({.per_second = 7, .burst = 2}, 64);
  int taken = 0;
  for (int ms = 0; ms < 100'000; ++ms) taken += limiter.take("a", kStart + milliseconds(ms)) == kNone ? 1 : 0;
  EXPECT_GE(taken, 2 + 699);
  EXPECT_LE(taken, 2 + 700);
}

TEST(RateLimiter, B26EachNameHasABucketOfItsOwn) {
  RateLimiter limiter({.per_second = 1, .burst = 1}, 1024);
  EXPECT_EQ(limiter.take("a", kStart), kNone);
  EXPECT_EQ(limiter.take("b", kStart), kNone);
  EXPECT_EQ(limiter.take("a", kStart), seconds(1));
  EXPECT_EQ(limiter.wait("c", kStart), kNone);
}

TEST(RateLimiter, LooksWithoutTaking) {
  RateLimiter limiter({.per_second = 1, .burst = 1}, 64);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(limiter.wait("a", kStart), kNone);
  EXPECT_EQ(limiter.take("a", kStart), kNone);
  EXPECT_EQ(limiter.wait("a", kStart), seconds(1));
}

TEST(RateLimiter, ATimeThatGoesBackGivesNothing) {
  RateLimiter limiter({.per_second = 1, .burst = 1}, 64);
  EXPECT_EQ(limiter.take("a", kStart), kNone);
  EXPECT_EQ(limiter.take("a", kStart - seconds(5)), seconds(6));
  EXPECT_EQ(limiter.take("a", kStart + seconds(1)), kNone);
}

TEST(RateLimiter, NoRateIsNoLimit) {
  RateLimiter limiter({.per_second = 0, .burst = 1}, 64);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(limiter.take("a", kStart), kNone);
}

// A table of one set: whoever comes takes the place of the fullest.
TEST(RateLimiter, TheEmptiestBucketIsForgottenLast) {
  RateLimiter limiter({.per_second = 1, .burst = 100}, 8);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(limiter.take("attacker", kStart), kNone);
  ASSERT_NE(limiter.take("attacker", kStart), kNone);
  for (int i = 0; i < 10'000; ++i) ASSERT_EQ(limiter.take("passer-by " + std::to_string(i), kStart), kNone);
  EXPECT_NE(limiter.take("attacker", kStart), kNone) << "others who come and go do not fill his bucket";
}

TEST(RateLimiter, TakesAnotherRateWhileItIsUsed) {
  RateLimiter limiter({.per_second = 1, .burst = 1}, 64);
  EXPECT_EQ(limiter.take("a", kStart), kNone);
  limiter.use({.per_second = 0, .burst = 1});
  EXPECT_EQ(limiter.take("a", kStart), kNone);
  limiter.use({.per_second = 10, .burst = 20});
  int taken = 0;
  while (taken < 100 && limiter.take("a", kStart) == kNone) ++taken;
  EXPECT_EQ(taken, 10) << "a second is lacking since the first token: 10 of 20";
  limiter.use({.per_second = 2, .burst = 1});
  EXPECT_EQ(limiter.take("b", kStart), kNone);
  EXPECT_EQ(limiter.take("b", kStart), milliseconds(500));
}

}  // namespace
}  // namespace vodlift
