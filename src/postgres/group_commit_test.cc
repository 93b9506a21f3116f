#include "postgres/group_commit.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace vodlift::postgres {
namespace {

using namespace std::chrono_literals;

// Each group is held until the test lets it end.
class Groups : public ::testing::Test {
 protected:
  using Commits = GroupCommit<int, int>;

  void start(int threads, std::chrono::milliseconds gather) {
    commits_.emplace(
        "db-test", threads, waiting_, [this](std::span<const int> jobs) { return run(jobs); }, gather);
  }

  void post(int count) {
    for (int i = 0; i < count; ++i) commits_->post(i, [](const Result<int>& answer) { EXPECT_TRUE(answer); });
  }

  // Of one job each.
  void begin_two_groups() {
    for (int i = 0; i < 2; ++i) {
      post(1);
      EXPECT_EQ(next_group(), 1);
    }
  }

  // The size of the next group that begins.
  std::size_t next_group() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !begun_.empty(); });
    const std::size_t size = begun_.front();
    begun_.pop_front();
    return size;
  }

  // Lets one group of this size end.
  void end_group(std::size_t size) {
    const std::lock_guard lock(mutex_);
    to_end_.push_back(size);
    changed_.notify_all();
  }

  void TearDown() override {
    {
      const std::lock_guard lock(mutex_);
      all_end_ = true;
      changed_.notify_all();
    }
    commits_.reset();
  }

 private:
  Result<std::vector<Result<int>>> run(std::span<const int> jobs) {
    std::unique_lock lock(mutex_);
    begun_.push_back(jobs.size());
    changed_.notify_all();
    changed_.wait(lock, [&] { return all_end_ || std::erase(to_end_, jobs.size()) > 0; });
    return std::vector<Result<int>>(jobs.begin(), jobs.end());
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::size_t> begun_;
  std::vector<std::size_t> to_end_;
  bool all_end_ = false;
  Gauge waiting_;
  std::optional<Commits> commits_;
};

TEST_F(Groups, TheFirstJobsBeginAtOnce) {
  start(2, 1h);
  begin_two_groups();
}

TEST_F(Groups, BesideALargeGroupTheNextBecomesAsLarge) {
  start(3, 1h);
  begin_two_groups();
  post(2);
  EXPECT_EQ(next_group(), 2);
  post(3);  // four are under way
  end_group(2);
  EXPECT_EQ(next_group(), 3);
  post(4);  // five are under way
  post(1);
  end_group(1);
  EXPECT_EQ(next_group(), 5);
}

TEST_F(Groups, WhatWaitsBeginsWhenNothingIsUnderWay) {
  start(2, 1h);
  begin_two_groups();
  post(5);
  end_group(1);
  EXPECT_EQ(next_group(), 5);
  end_group(1);
  post(2);  // fewer than five
  end_group(5);
  EXPECT_EQ(next_group(), 2);
}

// One that hangs, behind a lock or a lost connection, holds up nobody for long.
TEST_F(Groups, WhatWaitsDoesNotWaitForAGroupThatHangs) {
  start(2, 2ms);
  begin_two_groups();
  post(5);
  end_group(1);
  EXPECT_EQ(next_group(), 5);
  post(2);
  end_group(1);
  EXPECT_EQ(next_group(), 2);
}

}  // namespace
}  // namespace vodlift::postgres
