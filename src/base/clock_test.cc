#include "base/clock.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

class SetClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return time; }
  WallTime time = from_unix_ms(1'700'000'000'000);
};

class ClockWatchTest : public testing::Test {
 protected:
  void pass(milliseconds time) {
    wall_.time += time;
    uptime_ += time;
  }
  void set(milliseconds step) { wall_.time += step; }

  SetClock wall_;
  milliseconds uptime_ = 5min;
  ClockWatch watch_{wall_, [this] { return uptime_; }};
};

TEST_F(ClockWatchTest, TimeThatPassesIsNoStep) {
  for (const milliseconds time : {milliseconds(0), milliseconds(1s), milliseconds(24h), milliseconds(10'000h)}) {
    pass(time);
    EXPECT_EQ(watch_.look(), std::nullopt);
  }
  EXPECT_EQ(watch_.steady_for(), 10'024h + 1s);
}

TEST_F(ClockWatchTest, TellsAStepOnceAndHowFar) {
  for (const milliseconds step : {milliseconds(1h), milliseconds(-1h), milliseconds(30s), milliseconds(-30s)}) {
    pass(1s);
    set(step);
    EXPECT_EQ(watch_.look(), step);
    EXPECT_EQ(watch_.steady_for(), 0s);
    pass(1s);
    EXPECT_EQ(watch_.look(), std::nullopt);
    EXPECT_EQ(watch_.steady_for(), 1s);
  }
}

TEST_F(ClockWatchTest, SmallStepsAreToldWhenTheyAddUp) {
  set(1s);  // a leap second
  EXPECT_EQ(watch_.look(), std::nullopt);
  set(28'999ms);
  EXPECT_EQ(watch_.look(), std::nullopt);
  set(1ms);
  EXPECT_EQ(watch_.look(), 30s);
}

TEST_F(ClockWatchTest, StepsThatUndoOneAnotherAreNone) {
  set(20s);
  EXPECT_EQ(watch_.look(), std::nullopt);
  set(-20s);
  EXPECT_EQ(watch_.look(), std::nullopt);
  set(-29'999ms);
  EXPECT_EQ(watch_.look(), std::nullopt);
}

TEST(ClockWatch, UptimeGoesForward) {
  const milliseconds first = since_boot();
  EXPECT_GT(first, 0ms);
  EXPECT_GE(since_boot(), first);
}

}  // namespace
}  // namespace vodlift
