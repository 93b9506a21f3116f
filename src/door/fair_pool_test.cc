#include "door/fair_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <latch>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/no_memory_test.h"

namespace vodlift::door {
namespace {

// Jobs that hold their thread until they are released.
class Held {
 public:
  std::function<void()> job() {
    return [this] {
      ++running_;
      running_.notify_all();
      release_.wait();
    };
  }
  void wait_for(int count) const {
    for (int now = running_; now < count; now = running_) running_.wait(now);
  }
  void release() { release_.count_down(); }
  [[nodiscard]] int begun() const { return running_; }

 private:
  std::atomic<int> running_{0};
  std::latch release_{1};
};

FairPool::Share any_time(std::size_t threads) { return {threads, static_cast<double>(threads)}; }

std::chrono::nanoseconds processor_time() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

// Keeps a processor busy for twice of what an account may use at once.
void work_hard() {
  for (const auto begin = processor_time(); processor_time() < begin + 2 * FairPool::kBurst;) {
  }
}

// With this share, an account that has worked hard rests for hours.
constexpr FairPool::Share kHardlyAny{2, 1e-5};

TEST(FairPool, AnAccountHasItsShareOfTheThreadsAndOthersGoOn) {
  ThreadPool threads("test", 4, 100);
  FairPool pool(threads, any_time(3), 100);
  Held held;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(pool.post(1, held.job()));
  held.wait_for(3);
  for (int i = 0; i < 50; ++i) {
    std::latch done(1);
    ASSERT_TRUE(pool.post(2, [&] { done.count_down(); }));
    done.wait();
  }
  EXPECT_EQ(held.begun(), 3);
  held.release();
  threads.stop();
  EXPECT_EQ(held.begun(), 20);
}

TEST(FairPool, AccountsThatWaitAreServedInTurn) {
  ThreadPool threads("test", 1, 100);
  FairPool pool(threads, any_time(1), 100);
  Held held;
  ASSERT_TRUE(pool.post(5, held.job()));
  held.wait_for(1);
  std::vector<int> order;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(pool.post(5, [&] { order.push_back(5); }));
  for (const int account : {7, 3, 7}) ASSERT_TRUE(pool.post(account, [&order, account] { order.push_back(account); }));
  held.release();
  threads.stop();
  EXPECT_EQ(order, (std::vector<int>{7, 3, 5, 7, 5, 5, 5, 5}));
}

TEST(FairPool, AnAccountHasAQuarterOfThePlaces) {
  ThreadPool threads("test", 2, 100);
  FairPool pool(threads, any_time(1), 40);
  Held held;
  int taken = 0;
  while (pool.post(1, held.job())) ++taken;
  EXPECT_EQ(taken, 10);
  for (int account = 2; account <= 4; ++account) {
    while (pool.post(account, held.job())) ++taken;
  }
  EXPECT_EQ(taken, 40);
  EXPECT_FALSE(pool.post(5, [] {})) << "all places are taken";
  held.release();
  threads.stop();
  EXPECT_EQ(held.begun(), 40) << "what was taken runs";
  EXPECT_FALSE(pool.post(1, [] { FAIL(); })) << "stopped";
}

TEST(FairPool, EachJobRunsOnceAlsoUnderLoad) {
  ThreadPool threads("test", 4, 10000);
  FairPool pool(threads, any_time(2), 10000);
  std::atomic<int> ran{0};
  int taken = 0;
  for (int i = 0; i < 20000; ++i) taken += pool.post(i % 7, [&] { ++ran; }) ? 1 : 0;
  threads.stop();
  EXPECT_EQ(ran, taken);
  EXPECT_GT(taken, 7);
}

TEST(FairPool, AnAccountThatUsedItsShareOfTheProcessorsRestsAndOthersGoOn) {
  ThreadPool threads("test", 1, 100);  // so that what a job used is counted before the next one begins
  FairPool pool(threads, kHardlyAny, 100);
  std::latch worked(1);
  std::atomic<int> again{0};
  ASSERT_TRUE(pool.post(1, [&] {
    work_hard();
    worked.count_down();
  }));
  worked.wait();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(pool.post(1, [&] { ++again; }));
  for (int i = 0; i < 50; ++i) {
    std::latch done(1);
    ASSERT_TRUE(pool.post(2, [&] { done.count_down(); }));
    done.wait();
  }
  EXPECT_EQ(again, 0);
  pool.hurry();
  threads.stop();
  EXPECT_EQ(again, 5);
}

TEST(FairPool, TimeInWhichAJobWaitsIsNotItsAccounts) {
  ThreadPool threads("test", 3, 100);
  FairPool pool(threads, {2, 1e-3}, 100);
  std::latch slept(1);
  ASSERT_TRUE(pool.post(1, [&] {
    std::this_thread::sleep_for(2 * FairPool::kBurst);
    slept.count_down();
  }));
  slept.wait();
  std::latch done(1);
  ASSERT_TRUE(pool.post(1, [&] { done.count_down(); }));
  done.wait();
  threads.stop();
}

TEST(FairPool, ARestEndsByItself) {
  ThreadPool threads("test", 1, 100);
  FairPool pool(threads, {2, 0.9}, 100);
  std::latch done(3);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(pool.post(1, [&] {
      work_hard();
      done.count_down();
    }));
  }
  done.wait();
  threads.stop();
}

TEST(FairPool, ARestEndsWhileTheOthersJobsTakeLong) {
  ThreadPool threads("test", 3, 100);
  FairPool pool(threads, {2, 0.9}, 100);
  Held held;
  std::latch worked(1);
  std::latch done(1);
  ASSERT_TRUE(pool.post(1, [&] {
    work_hard();
    worked.count_down();
  }));
  worked.wait();
  // The thread that waits for the end of the rest may take one of them.
  ASSERT_TRUE(pool.post(1, [&] { done.count_down(); }));
  ASSERT_TRUE(pool.post(2, held.job()));
  ASSERT_TRUE(pool.post(2, held.job()));
  done.wait();
  held.release();
  threads.stop();
}

TEST(FairPool, AJobThatThrowsGivesItsPlaceBack) {
  ThreadPool threads("test", 2, 100);
  FairPool pool(threads, {1, 1}, 4);
  for (int i = 0; i < 20; ++i) {
    std::latch begun(1);
    while (!pool.post(1, [&] {
      begun.count_down();
      throw std::runtime_error("no memory");
    })) {
    }
    begun.wait();
  }
  std::latch done(1);
  while (!pool.post(1, [&] { done.count_down(); })) {
  }
  done.wait();
  threads.stop();
}

TEST(FairPool, WhereMemoryEndsNoPlaceIsLost) {
  ThreadPool threads("test", 2, 100);
  FairPool pool(threads, {1, 1}, 4);
  int ran = 0;
  where_memory_ends(
      [&] {
        std::latch ran_now(1);
        if (pool.post(1, [&] { ran_now.count_down(); })) ran_now.wait();
      },
      [&] {
        for (int i = 0; i < 8; ++i) {
          std::latch done(1);
          while (!pool.post(2, [&] { done.count_down(); })) {
          }
          done.wait();
          ++ran;
        }
      });
  if (kAllocationsFail) {
    EXPECT_GT(ran, 8);
  }
  threads.stop();
}

}  // namespace
}  // namespace vodlift::door
