#include "rest/attention_watch.h"

#include <gmock/gmock.h>

#include <map>

namespace vodlift::rest {
namespace {

using testing::ElementsAre;

class AttentionWatchTest : public testing::Test {
 protected:
  // Follows a view, and writes down "began BEGAN, ended ENDED, now NEEDS".
  AttentionWatch::Subscription follow(NeedView view = {}) {
    return watch_.follow(view, [this](const AttentionNews& news) {
      told_.push_back("began " + marks(news.began) + ", ended " + marks(news.ended) + ", now " + marks(news.needs));
    });
  }
  static std::string marks(const std::vector<Need>& needs) {
    std::string all;
    for (const Need& one : needs) all += one.mark;
    return all;
  }
  static std::vector<Need> needs(const std::string& marks) {
    std::vector<Need> all;
    for (const char mark : marks) all.push_back({.mark = std::string(1, mark)});
    return all;
  }
  void look(const std::string& marks, NeedView view = {}) {
    now_[view] = marks;
    watch_.look();
  }

  std::map<NeedView, std::string> now_;
  std::vector<NeedView> looked_at_;
  bool fails_ = false;
  std::vector<std::string> told_;
  AttentionWatch watch_{[this](std::span<const NeedView> views) -> Result<std::vector<std::vector<Need>>> {
    looked_at_.assign(views.begin(), views.end());
    if (fails_) return Error{Errc::store_failed, "the disk"};
    std::vector<std::vector<Need>> found;
    for (const NeedView view : views) found.push_back(needs(now_[view]));
    return found;
  }};
};

TEST_F(AttentionWatchTest, TellsWhatBeganAndWhatEnded) {
  const auto subscription = follow();
  look("ab");
  look("ab");
  look("bc");
  look("cb");
  look("");
  EXPECT_THAT(told_, ElementsAre("began ab, ended , now ab", "began c, ended a, now bc", "began , ended bc, now "));
}

TEST_F(AttentionWatchTest, TellsAFollowerOnceThatNothingNeedsAPerson) {
  const auto subscription = follow();
  look("");
  look("");
  EXPECT_THAT(told_, ElementsAre("began , ended , now "));
}

TEST_F(AttentionWatchTest, ANewFollowerIsToldAll) {
  const auto first = follow();
  look("a");
  const auto second = follow();
  look("a");
  EXPECT_THAT(told_, ElementsAre("began a, ended , now a", "began a, ended , now a"));
}

TEST_F(AttentionWatchTest, LooksAtNothingThatNobodyFollows) {
  watch_.look();
  EXPECT_TRUE(looked_at_.empty());
  auto subscription = follow(158);
  look("a", 158);
  EXPECT_THAT(looked_at_, ElementsAre(NeedView(158)));
  subscription.reset();
  looked_at_.clear();
  watch_.look();
  EXPECT_TRUE(looked_at_.empty());
  EXPECT_EQ(told_.size(), 1U);
}

TEST_F(AttentionWatchTest, WhatCannotBeFoundIsNotToldAsEnded) {
  const auto subscription = follow();
  look("a");
  fails_ = true;
  look("");
  fails_ = false;
  look("a");
  EXPECT_EQ(told_.size(), 1U);
}

TEST_F(AttentionWatchTest, ManyViewsTakeTurns) {
  std::vector<AttentionWatch::Subscription> subscriptions;
  const auto views = static_cast<AccountId>(AttentionWatch::kMostViews) + 10;
  for (AccountId account = 1; account <= views; ++account) subscriptions.push_back(follow(account));
  watch_.look();
  EXPECT_EQ(looked_at_.size(), AttentionWatch::kMostViews);
  EXPECT_EQ(told_.size(), AttentionWatch::kMostViews);
  watch_.look();
  EXPECT_EQ(looked_at_.front(), static_cast<AccountId>(AttentionWatch::kMostViews) + 1);
  EXPECT_EQ(told_.size(), static_cast<std::size_t>(views));
}

TEST_F(AttentionWatchTest, StartedItLooksAtOnce) {
  std::mutex mutex;
  std::condition_variable told;
  bool was_told = false;
  watch_.start();
  const auto subscription = watch_.follow({}, [&](const AttentionNews&) {
    const std::lock_guard lock(mutex);
    was_told = true;
    told.notify_one();
  });
  std::unique_lock lock(mutex);
  EXPECT_TRUE(told.wait_for(lock, AttentionWatch::kLook, [&] { return was_told; }));
  lock.unlock();
  watch_.stop();
}

}  // namespace
}  // namespace vodlift::rest
