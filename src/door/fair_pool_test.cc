#include "door/fair_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <vector>

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

TEST(FairPool, AnAccountHasItsShareOfTheThreadsAndOthersGoOn) {
  ThreadPool threads("test", 4, 100);
  FairPool pool(threads, 3, 100);
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
  FairPool pool(threads, 1, 100);
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
  FairPool pool(threads, 1, 40);
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
  FairPool pool(threads, 2, 10000);
  std::atomic<int> ran{0};
  int taken = 0;
  for (int i = 0; i < 20000; ++i) taken += pool.post(i % 7, [&] { ++ran; }) ? 1 : 0;
  threads.stop();
  EXPECT_EQ(ran, taken);
  EXPECT_GT(taken, 7);
}

}  // namespace
}  // namespace vodlift::door
