#include "storage/timed_reads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>

namespace vodlift::storage {
namespace {

using namespace std::chrono_literals;

TEST(TimedReads, GivesWhatTheReadGives) {
  TimedReads reads(30s);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(reads.call([]() -> Result<> { return {}; }).value());
    EXPECT_EQ(reads.call([]() -> Result<> {
                     return Error{Errc::source_changed, "x"};
                   })
                  .value()
                  .error()
                  .code,
              Errc::source_changed);
  }
}

TEST(TimedReads, AReadThatHangsIsGivenUpAndThoseBehindAllOfThemAtOnce) {
  std::promise<void> back;
  const std::shared_future<void> answer = back.get_future().share();
  const auto hang = [answer]() -> Result<> {
    answer.wait();
    return {};
  };
  TimedReads reads(50ms);
  std::latch given_up(TimedReads::kThreads + 10);
  std::atomic<int> with_a_result{0};
  for (int i = 0; i < TimedReads::kThreads + 10; ++i) {
    reads.start(hang, [&](const std::optional<Result<>>& result) {
      if (result) ++with_a_result;
      given_up.count_down();
    });
  }
  given_up.wait();
  EXPECT_EQ(with_a_result, 0) << "those that waited behind them too";
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(reads.call(hang));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s) << "1,000 times 50 ms would be 50 s";
  EXPECT_FALSE(reads.stop_within(10ms)) << "they still hang";
  back.set_value();
  EXPECT_TRUE(reads.stop_within(30s));
  EXPECT_FALSE(reads.call([]() -> Result<> { return {}; })) << "stopped";
}

TEST(TimedReads, IsOfUseAgainWhenTheStorageAnswers) {
  std::promise<void> back;
  const std::shared_future<void> answer = back.get_future().share();
  TimedReads reads(20ms);
  for (int i = 0; i < TimedReads::kThreads; ++i) {
    EXPECT_FALSE(reads.call([answer]() -> Result<> {
      answer.wait();
      return {};
    }));
  }
  back.set_value();
  std::optional<Result<>> after;
  for (int i = 0; i < 100'000 && !after; ++i) {
    after = reads.call([]() -> Result<> { return {}; });
    std::this_thread::yield();
  }
  EXPECT_TRUE(after);
}

TEST(TimedReads, AStopGivesUpWhatIsUnderWay) {
  std::promise<void> back;
  std::latch begun(1);
  TimedReads reads(1h);
  std::promise<bool> told;
  reads.start(
      [&, answer = back.get_future().share()]() -> Result<> {
        begun.count_down();
        answer.wait();
        return {};
      },
      [&](const std::optional<Result<>>& result) { told.set_value(result.has_value()); });
  begun.wait();
  EXPECT_FALSE(reads.stop_within(1ms));
  EXPECT_FALSE(told.get_future().get());
  back.set_value();
}

}  // namespace
}  // namespace vodlift::storage
