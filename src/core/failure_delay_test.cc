#include "core/failure_delay.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr nanoseconds kNone{0};
constexpr SteadyTime kStart{std::chrono::hours(1000)};

void fail(FailureDelay& delay, int times) {
  for (int i = 0; i < times; ++i) EXPECT_EQ(delay.begin("anna", kStart), kNone) << i;
}

TEST(FailureDelay, H07TheWaitDoublesUpToTheLongest) {
  FailureDelay delay;
  fail(delay, FailureDelay::kFree);
  SteadyTime now = kStart;
  seconds expected = FailureDelay::kFirstWait;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(delay.begin("anna", now), expected) << i;
    EXPECT_EQ(delay.begin("anna", now), expected) << "asking in vain costs nothing";
    EXPECT_EQ(delay.begin("anna", now + expected - nanoseconds(1)), nanoseconds(1));
    now += expected;
    EXPECT_EQ(delay.begin("anna", now), kNone);
    expected = std::min(expected * 2, FailureDelay::kLongestWait);
  }
  EXPECT_EQ(expected, FailureDelay::kLongestWait);
}

TEST(FailureDelay, H07OthersDoNotWait) {
  FailureDelay delay;
  fail(delay, FailureDelay::kFree);
  EXPECT_NE(delay.begin("anna", kStart), kNone);
  EXPECT_EQ(delay.begin("bob", kStart), kNone);
}

TEST(FailureDelay, ASuccessForgetsTheFailures) {
  FailureDelay delay;
  fail(delay, FailureDelay::kFree - 1);
  delay.succeeded("anna");
  fail(delay, FailureDelay::kFree);
  EXPECT_NE(delay.begin("anna", kStart), kNone);
}

TEST(FailureDelay, ATryThatWasNotMadeDoesNotCount) {
  FailureDelay delay;
  for (int i = 0; i < 3 * FailureDelay::kFree; ++i) {
    EXPECT_EQ(delay.begin("anna", kStart), kNone) << i;
    delay.withdraw("anna");
  }
  fail(delay, FailureDelay::kFree);
  EXPECT_NE(delay.begin("anna", kStart), kNone);
}

TEST(FailureDelay, FailuresAreForgottenAfterAWhile) {
  FailureDelay delay;
  fail(delay, FailureDelay::kFree);
  const SteadyTime later = kStart + FailureDelay::kForgottenAfter;
  for (int i = 0; i < FailureDelay::kFree; ++i) EXPECT_EQ(delay.begin("anna", later), kNone) << i;
  EXPECT_EQ(delay.begin("anna", later), FailureDelay::kFirstWait);
}

TEST(FailureDelay, ManyOtherNamesDoNotWashOneAway) {
  FailureDelay delay;
  fail(delay, FailureDelay::kFree);
  for (int i = 0; i < 100'000; ++i) {
    EXPECT_EQ(delay.begin("other " + std::to_string(i), kStart), kNone);
  }
  EXPECT_NE(delay.begin("anna", kStart), kNone);
}

}  // namespace
}  // namespace vodlift
