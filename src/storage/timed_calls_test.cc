#include "storage/timed_calls.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <stdexcept>
#include <thread>

#include "base/error.h"
#include "base/no_memory_test.h"

namespace vodlift::storage {
namespace {

using namespace std::chrono_literals;

constexpr int kThreads = 3;

class TimedCallsTest : public ::testing::Test {
 protected:
  // Hangs until come_back().
  std::function<int()> hanging() {
    return [answer = answer_] {
      answer.wait();
      return 1;
    };
  }
  void come_back() { back_.set_value(); }

  const std::shared_ptr<Watchdog> watchdog_ = std::make_shared<Watchdog>();

 private:
  std::promise<void> back_;
  const std::shared_future<void> answer_ = back_.get_future().share();
};

TEST_F(TimedCallsTest, GivesTheResultOfTheCall) {
  TimedCalls calls(watchdog_, "test", {kThreads, 0, 30s});
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(calls.call<int>(0, [i] { return i; }), i);
    const auto failed = calls.call<Result<>>(0, []() -> Result<> { return Error{Errc::source_changed, "x"}; });
    EXPECT_EQ(failed.value().error().code, Errc::source_changed);
  }
  EXPECT_THROW(calls.call<int>(0, []() -> int { throw std::runtime_error("x"); }), std::runtime_error);
  EXPECT_TRUE(calls.stop_within(30s));
  EXPECT_EQ(calls.call<int>(0, [] { return 1; }), std::nullopt) << "stopped";
}

TEST_F(TimedCallsTest, ACallThatHangsIsGivenUpAndThoseBehindAllOfThemAtOnce) {
  TimedCalls calls(watchdog_, "test", {kThreads, 0, 50ms});
  std::latch given_up(kThreads + 10);
  std::atomic<int> with_a_result{0};
  for (int i = 0; i < kThreads + 10; ++i) {
    calls.start<int>(0, hanging(), [&](std::optional<int> result) {
      if (result) ++with_a_result;
      given_up.count_down();
    });
  }
  given_up.wait();
  EXPECT_EQ(with_a_result, 0) << "those that waited behind them too";
  std::atomic<int> ran{0};
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(calls.call<int>(0, [&] { return ++ran; }), std::nullopt);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s) << "1,000 times 50 ms would be 50 s";
  EXPECT_EQ(ran, 0);
  EXPECT_FALSE(calls.stop_within(10ms)) << "they still hang";
  come_back();
  EXPECT_TRUE(calls.stop_within(30s));
  EXPECT_EQ(ran, 0) << "a call that was given up before it had a thread is not made later";
}

TEST_F(TimedCallsTest, ThingsThatHangHoldUpNoOthers) {
  TimedCalls calls(watchdog_, "test", {2, 6, 2s});
  std::latch given_up(8);
  std::atomic<int> with_a_result{0};
  // Two calls each about four things: they hold every place and every spare thread but none is left over.
  for (Subject thing = 1; thing <= 3; ++thing) {
    for (int i = 0; i < 2; ++i) {
      calls.start<int>(thing, hanging(), [&](std::optional<int> result) {
        if (result) ++with_a_result;
        given_up.count_down();
      });
    }
  }
  for (Subject other = 10; other < 30; ++other) EXPECT_EQ(calls.call<int>(other, [] { return 7; }), 7);
  for (int i = 0; i < 2; ++i) {
    calls.start<int>(1, hanging(), [&](std::optional<int>) { given_up.count_down(); });
  }
  given_up.wait();
  EXPECT_EQ(with_a_result, 0);
  EXPECT_EQ(calls.call<int>(1, [] { return 7; }), std::nullopt) << "it hangs, so another call about it would too";
  for (Subject other = 10; other < 30; ++other) EXPECT_EQ(calls.call<int>(other, [] { return 7; }), 7);
  come_back();
}

TEST_F(TimedCallsTest, WhenEveryThreadHangsCallsAboutAnythingAreGivenUpAtOnce) {
  TimedCalls calls(watchdog_, "test", {2, 2, 200ms});
  for (Subject thing = 1; thing <= 4; ++thing) EXPECT_EQ(calls.call<int>(thing, hanging()), std::nullopt);
  const auto begin = std::chrono::steady_clock::now();
  for (Subject other = 10; other < 1010; ++other) EXPECT_EQ(calls.call<int>(other, [] { return 7; }), std::nullopt);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s) << "1,000 times 200 ms would be 200 s";
  come_back();
}

TEST_F(TimedCallsTest, OfOneThingTwoRunAtOnce) {
  TimedCalls calls(watchdog_, "test", {4, 0, 30s});
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::latch done(20);
  for (int i = 0; i < 20; ++i) {
    calls.start<int>(
        1,
        [&] {
          const int now = ++running;
          for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
          }
          std::this_thread::yield();
          return --running;
        },
        [&](std::optional<int>) { done.count_down(); });
  }
  done.wait();
  EXPECT_LE(most, TimedCalls::kOfOneSubject);
}

TEST_F(TimedCallsTest, IsOfUseAgainWhenTheStorageAnswers) {
  TimedCalls calls(watchdog_, "test", {kThreads, 0, 20ms});
  for (int i = 0; i < kThreads; ++i) EXPECT_EQ(calls.call<int>(0, hanging()), std::nullopt);
  come_back();
  std::optional<int> after;
  while (!after) {
    after = calls.call<int>(0, [] { return 7; });
    std::this_thread::yield();
  }
  EXPECT_EQ(after, 7);
}

TEST_F(TimedCallsTest, AStopGivesUpWhatIsUnderWay) {
  std::latch begun(1);
  TimedCalls calls(watchdog_, "test", {kThreads, 0, 1h});
  std::promise<bool> reported;
  calls.start<int>(
      0,
      [&, hang = hanging()] {
        begun.count_down();
        return hang();
      },
      [&](std::optional<int> result) { reported.set_value(result.has_value()); });
  begun.wait();
  EXPECT_FALSE(calls.stop_within(1ms));
  EXPECT_FALSE(reported.get_future().get());
  come_back();
}

TEST_F(TimedCallsTest, WhatMayRunAtAnyTimeRunsEvenAtTheEnd) {
  std::atomic<int> ran{0};
  {
    TimedCalls calls(watchdog_, "test", {1, 0, 1ms});
    // On a busy machine a call may be given up before it has a thread.
    const auto begun = std::make_shared<std::atomic<bool>>(false);
    const std::function<int()> hangs = [begun, hanging = hanging()] {
      *begun = true;
      return hanging();
    };
    while (!*begun) EXPECT_EQ(calls.call<int>(0, hangs), std::nullopt);
    for (int i = 0; i < 3; ++i) calls.run_at_any_time([&] { ++ran; });
    EXPECT_EQ(calls.call<int>(0, [] { return 1; }), std::nullopt) << "the only thread hangs";
    EXPECT_EQ(ran, 0);
    come_back();
  }
  EXPECT_EQ(ran, 3);
}

TEST_F(TimedCallsTest, WorkThatThrowsHasNoResultAndGivesItsThreadBack) {
  TimedCalls calls(watchdog_, "test", {1, 0, 1h});
  for (int i = 0; i < 3; ++i) {
    std::promise<std::optional<int>> result;
    calls.start<int>(
        0, []() -> int { throw std::bad_alloc(); }, [&](std::optional<int> given) { result.set_value(given); });
    EXPECT_EQ(result.get_future().get(), std::nullopt);
  }
  EXPECT_EQ(calls.call<int>(0, [] { return 1; }), 1);
}

TEST_F(TimedCallsTest, WhereMemoryEndsNoThreadIsLostAndDeadlinesAreKept) {
  TimedCalls calls(watchdog_, "test", {1, 0, 1h});
  where_memory_ends([&] { (void)calls.call<int>(0, [] { return 1; }); },
                    [&] { EXPECT_EQ(calls.call<int>(0, [] { return 2; }), 2); });
}

TEST_F(TimedCallsTest, OneThatHangsHoldsUpNoOtherUnderTheSameWatchdog) {
  TimedCalls dead(watchdog_, "dead", {kThreads, 0, 1ms});
  TimedCalls slow(watchdog_, "slow", {kThreads, 0, 1h});
  // Enough for a call that does not hang, on any machine.
  TimedCalls other(watchdog_, "other", {kThreads, 0, 2s});
  std::promise<std::optional<int>> under_way;
  slow.start<int>(0, hanging(), [&](std::optional<int> result) { under_way.set_value(result); });
  for (int i = 0; i < kThreads; ++i) EXPECT_EQ(dead.call<int>(0, hanging()), std::nullopt);
  EXPECT_EQ(other.call<int>(0, [] { return 7; }), 7);
  EXPECT_EQ(other.call<int>(0, hanging()), std::nullopt) << "a later deadline, watched while the first ones hang";
  EXPECT_EQ(other.call<int>(0, [] { return 8; }), 8) << "one of its threads hangs, two are left";
  come_back();
  EXPECT_EQ(under_way.get_future().get(), 1) << "others' deadlines are not its own";
}

TEST_F(TimedCallsTest, CallsMayBeStartedWhereOneIsReported) {
  TimedCalls calls(watchdog_, "test", {1, 0, 10ms});
  std::promise<std::optional<int>> second;
  calls.start<int>(0, hanging(), [&](std::optional<int>) {
    calls.start<int>(
        0, [] { return 1; }, [&](std::optional<int> result) { second.set_value(result); });
  });
  EXPECT_EQ(second.get_future().get(), std::nullopt);
  come_back();
}

}  // namespace
}  // namespace vodlift::storage
