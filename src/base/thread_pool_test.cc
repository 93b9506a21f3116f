#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <latch>

#include "base/new_threads_test.h"

namespace vodlift {
namespace {

TEST(ThreadPool, AJobThatThrowsCostsNoThread) {
  ThreadPool pool("test", 1, 100);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(pool.post([] { throw std::bad_alloc(); }));
  std::promise<void> done;
  ASSERT_TRUE(pool.post([&] { done.set_value(); }));
  done.get_future().wait();
  pool.stop();
}

TEST(ThreadPool, RunsEverythingQueuedBeforeItStops) {
  std::atomic<int> ran{0};
  ThreadPool pool("test", 3, 1000);
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(pool.post([&] { ++ran; }));
  pool.stop();
  EXPECT_EQ(ran, 500);
}

TEST(ThreadPool, OneThreadKeepsTheOrder) {
  std::vector<int> order;
  ThreadPool pool("test", 1, 1000);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(pool.post([&order, i] { order.push_back(i); }));
  pool.stop();
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(ThreadPool, RefusesWhatTheQueueCannotHold) {
  std::latch started(1);
  std::latch release(1);
  std::atomic<int> ran{0};
  ThreadPool pool("test", 1, 2);
  ASSERT_TRUE(pool.post([&] {
    started.count_down();
    release.wait();
  }));
  started.wait();
  EXPECT_TRUE(pool.post([&] { ++ran; }));
  EXPECT_TRUE(pool.post([&] { ++ran; }));
  EXPECT_FALSE(pool.post([&] { ran += 100; }));
  release.count_down();
  pool.stop();
  EXPECT_EQ(ran, 2);
}

TEST(ThreadPool, TakesNothingOnceStopped) {
  ThreadPool pool("test", 2, 10);
  pool.stop();
  EXPECT_FALSE(pool.post([] {}));
  pool.stop();
}

TEST(ThreadPool, RunsJobsAtTheSameTime) {
  // Each job waits for the other: on one thread they would never end.
  std::latch both(2);
  ThreadPool pool("test", 2, 10);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(pool.post([&] { both.arrive_and_wait(); }));
  pool.stop();
}

TEST(ThreadPool, AStopWaitsForAJobThatHangsOnlySoLong) {
  std::promise<void> back;
  ThreadPool pool("test", 2, 10);
  ASSERT_TRUE(pool.post([answer = back.get_future().share()] { answer.wait(); }));
  EXPECT_FALSE(pool.stop_within(std::chrono::milliseconds(1)));
  EXPECT_FALSE(pool.post([] {}));
  back.set_value();
  EXPECT_TRUE(pool.stop_within(std::chrono::seconds(30)));
  EXPECT_TRUE(pool.stop_within(std::chrono::milliseconds(0))) << "twice";
}

TEST(ThreadPool, MakesAThreadOnlyForAJobThatFindsNoneFree) {
  const NewThreads threads;
  ThreadPool pool("test", 3, 10, std::chrono::hours(1));
  EXPECT_EQ(threads.count(), 0);
  std::latch release(1);
  for (std::size_t i = 1; i <= 5; ++i) {
    ASSERT_TRUE(pool.post([&] { release.wait(); }));
    EXPECT_EQ(threads.count(), std::min<std::size_t>(i, 3));
  }
  release.count_down();
  for (int i = 0; i < 100; ++i) {
    std::promise<void> ran;
    ASSERT_TRUE(pool.post([&] { ran.set_value(); }));
    ran.get_future().wait();
  }
  EXPECT_EQ(threads.count(), 3);
  pool.stop();
  threads.wait_until_gone();
}

TEST(ThreadPool, EndsThreadsThatHaveNothingToDoAndMakesNewOnes) {
  const NewThreads threads;
  ThreadPool pool("test", 3, 10, std::chrono::milliseconds(1));
  for (int i = 0; i < 3; ++i) {
    std::promise<void> ran;
    ASSERT_TRUE(pool.post([&] { ran.set_value(); }));
    ran.get_future().wait();
    threads.wait_until_gone();
  }
  EXPECT_TRUE(pool.stop_within(std::chrono::seconds(30)));
}

TEST(ThreadPool, NamesItsThreads) {
  ThreadPool pool("vodlift-disk", 1, 10);
  const auto thread = [&] {
    std::promise<pthread_t> handle;
    EXPECT_TRUE(pool.post([&] { handle.set_value(pthread_self()); }));
    return handle.get_future().get();
  }();
  std::array<char, 16> text{};
  ASSERT_EQ(pthread_getname_np(thread, text.data(), text.size()), 0);
  EXPECT_STREQ(text.data(), "vodlift-disk");
}

}  // namespace
}  // namespace vodlift
