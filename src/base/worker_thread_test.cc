#include "base/worker_thread.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <new>
#include <thread>

#include "base/await.h"

namespace vodlift {
namespace {

using namespace std::chrono_literals;

TEST(WorkerThread, WhatCameBeforeTheStopIsSeen) {
  std::mutex mutex;
  int posted = 0;
  int seen = 0;
  WorkerThread worker;
  worker.start("test", [&] {
    bool stopping = false;
    while (!stopping) {
      worker.wait();
      stopping = worker.stopping();
      const std::lock_guard lock(mutex);
      seen = posted;
    }
  });
  for (int i = 0; i < 1000; ++i) {
    {
      const std::lock_guard lock(mutex);
      ++posted;
    }
    worker.wake();
  }
  worker.stop();
  EXPECT_EQ(seen, 1000);
  worker.stop();
}

TEST(WorkerThread, AWakeBeforeTheWaitCounts) {
  WorkerThread worker;
  worker.wake();
  worker.wake();
  EXPECT_TRUE(worker.wait_for(1h));
  EXPECT_FALSE(worker.wait_for(1ms)) << "two wakes end one wait";
  EXPECT_FALSE(worker.wait_until(SteadyTime::min()));
}

TEST(WorkerThread, AStopWakesOnceAndLaterWaitsLast) {
  WorkerThread worker;
  worker.request_stop();
  EXPECT_TRUE(worker.stopping());
  EXPECT_TRUE(worker.wait_for(1h));
  EXPECT_FALSE(worker.wait_for(1ms)) << "what a stopping loop still waits for can be waited for";
}

TEST(WorkerThread, ItsDestructorStopsTheLoop) {
  std::atomic<bool> ended{false};
  {
    WorkerThread worker;
    worker.start("test", [&] {
      while (!worker.stopping()) worker.wait();
      ended = true;
    });
  }
  EXPECT_TRUE(ended);
}

TEST(WorkerThread, AnExceptionCostsARoundAndNotTheThread) {
  std::atomic<int> rounds{0};
  WorkerThread worker;
  std::promise<void> third;
  worker.start("test", [&] {
    while (!worker.stopping()) {
      if (++rounds < 3) throw std::bad_alloc();
      if (rounds == 3) third.set_value();
      worker.wait();
    }
  });
  third.get_future().wait();
  worker.stop();
  EXPECT_GE(rounds, 3);
}

TEST(WorkerThread, HasAName) {
  std::promise<pthread_t> handle;
  WorkerThread worker;
  worker.start("fifteen-bytes-x", [&] {
    handle.set_value(pthread_self());
    worker.wait();
  });
  std::array<char, 16> text{};
  ASSERT_EQ(pthread_getname_np(handle.get_future().get(), text.data(), text.size()), 0);
  EXPECT_STREQ(text.data(), "fifteen-bytes-x");
}

TEST(Await, GivesTheAnswerOfAnotherThreadOrOfThisOne) {
  std::thread answering;
  EXPECT_EQ(await<int>([&](auto done) { answering = std::thread([done] { done(7); }); }), 7);
  answering.join();
  const auto owned = await<std::unique_ptr<int>>([](auto done) { done(std::make_unique<int>(8)); });
  EXPECT_EQ(*owned, 8) << "an answer that can only be moved";
}

TEST(Await, ALateAnswerIsDropped) {
  std::function<void(int)> late;
  EXPECT_EQ(await_for<int>(1ms, [&](auto done) { late = done; }), std::nullopt);
  late(7);
  EXPECT_EQ(await_for<int>(1h, [&](auto done) { done(8); }), 8);
}

}  // namespace
}  // namespace vodlift
