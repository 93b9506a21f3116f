#include "core/callback_receivers.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

using namespace std::chrono_literals;

class CallbackReceiversTest : public testing::Test {
 protected:
  void succeed(std::chrono::milliseconds took = 80ms) {
    sums_.count({took, 200, "", CallbackState::delivered, 0ms}, "", now_);
  }
  void fail(CallbackState next = CallbackState::pending, int http_status = 503) {
    sums_.count({80ms, http_status, "refused", next, 0ms}, "refused", now_);
  }

  WallTime now_ = from_unix_ms(1'700'000'000'000);
  ReceiverSums sums_;
};

TEST_F(CallbackReceiversTest, CountsAttemptsAndWhatWaits) {
  sums_.add_waiting(now_);
  sums_.add_waiting(now_);
  fail();
  EXPECT_EQ(sums_.waiting, 2) << "it is tried again";
  succeed();
  fail(CallbackState::failed);
  EXPECT_EQ(sums_.waiting, 0);
  EXPECT_EQ(sums_.delivered.both(), 1);
  EXPECT_EQ(sums_.failed.both(), 2);
  EXPECT_EQ(sums_.last_error, "refused");
}

TEST_F(CallbackReceiversTest, FailsSinceTheFirstFailureAfterASuccess) {
  fail();
  const WallTime first = now_;
  now_ += 1h;
  fail();
  EXPECT_EQ(sums_.failing_since, first);
  EXPECT_EQ(sums_.last_failure, now_);
  succeed();
  EXPECT_FALSE(sums_.failing_since);
  EXPECT_EQ(sums_.last_success, now_);
  EXPECT_EQ(sums_.last_error, "refused") << "it is still the last one";
}

TEST_F(CallbackReceiversTest, IsDisabledByAttemptsThatFailedOverDays) {
  DisabledReceivers disabled(std::chrono::days(5));
  EXPECT_FALSE(disabled.has(sums_.failing(now_)));
  fail();
  now_ += 24h * 30;
  EXPECT_FALSE(disabled.has(sums_.failing(now_))) << "one failure, and nothing was tried after it";
  now_ -= 24h * 30;
  now_ += 24h * 5 - 1ms;
  fail();
  EXPECT_FALSE(disabled.has(sums_.failing(now_)));
  now_ += 1ms;
  fail();
  EXPECT_TRUE(disabled.has(sums_.failing(now_)));
  disabled.use(std::chrono::days(0));
  EXPECT_FALSE(disabled.has(sums_.failing(now_))) << "none is";
  disabled.use(std::chrono::days(4));
  EXPECT_TRUE(disabled.has(sums_.failing(now_)));
  succeed();
  EXPECT_FALSE(disabled.has(sums_.failing(now_)));
}

TEST_F(CallbackReceiversTest, IsTriedOnceAnHour) {
  fail();
  EXPECT_FALSE(DisabledReceivers::is_probe_due(*sums_.failing(now_)));
  EXPECT_FALSE(DisabledReceivers::is_probe_due(*sums_.failing(now_ + 1h - 1ms)));
  EXPECT_TRUE(DisabledReceivers::is_probe_due(*sums_.failing(now_ + 1h)));
  EXPECT_TRUE(DisabledReceivers::is_probe_due(*sums_.failing(now_ - 1h))) << "the clock was set back";
}

TEST_F(CallbackReceiversTest, WhatIsRefusedIsNoAttempt) {
  fail();
  const ReceiverSums before = sums_;
  sums_.add_waiting(now_);
  now_ += 1h;
  sums_.count_refused(now_);
  EXPECT_EQ(sums_.used, now_);
  sums_.used = before.used;
  EXPECT_EQ(sums_, before);
}

TEST_F(CallbackReceiversTest, ForgetsAttemptsBeforeYesterday) {
  succeed();
  now_ += 24h;
  fail();
  EXPECT_EQ(sums_.delivered, (ReceiverSums::Days{0, 1}));
  EXPECT_EQ(sums_.failed, (ReceiverSums::Days{1, 0}));
  now_ += 24h;
  sums_.turn_to(now_);
  EXPECT_EQ(sums_.delivered.both(), 0);
  EXPECT_EQ(sums_.failed, (ReceiverSums::Days{0, 1}));
  now_ += 72h;
  sums_.turn_to(now_);
  EXPECT_EQ(sums_.failed.both(), 0);
  sums_.turn_to(now_ - 72h);
  succeed();
  EXPECT_EQ(sums_.delivered, (ReceiverSums::Days{1, 0}));
}

TEST_F(CallbackReceiversTest, AveragesTheTimeOfAnswers) {
  fail(CallbackState::pending, 0);
  EXPECT_FALSE(sums_.latency) << "nobody answered";
  succeed(80ms);
  EXPECT_EQ(sums_.latency, 80ms);
  succeed(160ms);
  EXPECT_EQ(sums_.latency, 90ms);
}

TEST_F(CallbackReceiversTest, IsIdleWithNothingWaitingAfterADay) {
  EXPECT_FALSE(sums_.is_idle(now_)) << "it was never used";
  sums_.add_waiting(now_);
  now_ += 24h;
  EXPECT_FALSE(sums_.is_idle(now_));
  succeed();
  EXPECT_FALSE(sums_.is_idle(now_ + 24h - 1ms));
  EXPECT_TRUE(sums_.is_idle(now_ + 24h));
}

}  // namespace
}  // namespace vodlift
