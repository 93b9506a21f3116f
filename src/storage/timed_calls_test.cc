#include "storage/timed_calls.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

namespace vodlift::storage {
namespace {

TEST(TimedCalls, GivesWhatTheCallGives) {
  TimedCalls calls(std::chrono::seconds(30));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(calls.call<int>([i] { return i; }), i);
  EXPECT_THROW(calls.call<int>([]() -> int { throw std::runtime_error("x"); }), std::runtime_error);
  calls.stop();
  EXPECT_EQ(calls.call<int>([] { return 1; }), std::nullopt);
}

TEST(TimedCalls, GivesUpAndThenDoesNotWaitUntilOneComesBack) {
  std::promise<void> back;
  const std::shared_future<void> wait = back.get_future().share();
  TimedCalls calls(std::chrono::milliseconds(50));
  for (int i = 0; i < TimedCalls::kThreads; ++i) {
    EXPECT_EQ(calls.call<int>([wait] {
      wait.wait();
      return 1;
    }),
              std::nullopt);
  }
  std::atomic<int> ran{0};
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(calls.call<int>([&] { return ++ran; }), std::nullopt);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5)) << "1,000 times 50 ms would be 50 s";
  EXPECT_EQ(ran, 0);
  back.set_value();
  std::optional<int> after;
  for (int i = 0; i < 10'000 && !after; ++i) {
    after = calls.call<int>([] { return 7; });
    std::this_thread::yield();
  }
  EXPECT_EQ(after, 7);
}

}  // namespace
}  // namespace vodlift::storage
