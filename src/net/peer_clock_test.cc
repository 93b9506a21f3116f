#include "net/peer_clock.h"

#include <gtest/gtest.h>

namespace vodlift::net {
namespace {

using namespace std::chrono_literals;
using Verdict = PeerClock::Verdict;

class PeerClockTest : public ::testing::Test {
 protected:
  // Looks once a second for `time`; the request moves `rate` bytes in each.
  Verdict pass(std::chrono::seconds time, std::int64_t rate) {
    auto verdict = clock_.look(now_, bytes_);
    for (auto passed = 0s; passed < time && verdict == Verdict::fine; passed += 1s) {
      now_ += 1s;
      bytes_ += rate;
      verdict = clock_.look(now_, bytes_);
    }
    return verdict;
  }

  SteadyTime now_{};
  std::int64_t bytes_ = 0;
  PeerClock clock_{{60s, 500s}};
};

TEST_F(PeerClockTest, StandsStillBelowOneKibibyteASecond) {
  EXPECT_EQ(pass(100s, 1024), Verdict::fine);
  EXPECT_EQ(pass(59s, 1023), Verdict::fine);
  EXPECT_EQ(pass(1s, 1023), Verdict::stalled);
}

TEST_F(PeerClockTest, OneGoodSecondBeginsTheStallAnew) {
  EXPECT_EQ(pass(59s, 0), Verdict::fine);
  EXPECT_EQ(pass(1s, 5000), Verdict::fine);
  EXPECT_EQ(pass(59s, 0), Verdict::fine);
  EXPECT_EQ(pass(1s, 0), Verdict::stalled);
}

TEST_F(PeerClockTest, OurOwnTimeCountsNothing) {
  clock_.look(now_, 0);
  for (int i = 0; i < 1000; ++i) {
    clock_.hold(now_);
    EXPECT_EQ(pass(2s, 0), Verdict::fine) << "a limiter lets 4 KiB through every two seconds";
    clock_.go_on(now_);
    now_ += 1ms;
    bytes_ += 4096;
  }
  EXPECT_EQ(pass(60s, 0), Verdict::stalled) << "no answer to what was sent is the other side's time";
}

TEST_F(PeerClockTest, AllOfTheOthersTimeHasALimit) {
  EXPECT_EQ(pass(400s, 2500), Verdict::fine);
  clock_.hold(now_);
  EXPECT_EQ(pass(400s, 0), Verdict::fine);
  clock_.go_on(now_);
  EXPECT_EQ(pass(99s, 2500), Verdict::fine);
  EXPECT_EQ(pass(1s, 2500), Verdict::too_slow);
}

TEST_F(PeerClockTest, AProcessThatWasStoppedBlamesNobody) {
  EXPECT_EQ(pass(1s, 5000), Verdict::fine);
  now_ += 3600s;
  EXPECT_EQ(clock_.look(now_, bytes_), Verdict::fine);
}

TEST(PeerClockWithoutLimits, IsAlwaysFine) {
  PeerClock clock({});
  SteadyTime now{};
  for (int i = 0; i < 10000; ++i) EXPECT_EQ(clock.look(now += 1s, 0), Verdict::fine);
}

}  // namespace
}  // namespace vodlift::net
