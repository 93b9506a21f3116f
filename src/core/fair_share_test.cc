#include "core/fair_share.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <numeric>

namespace vodlift {
namespace {

constexpr std::int64_t kMiB = std::int64_t{1024} * 1024;
constexpr std::int64_t kGiB = 1024 * kMiB;

// Uploads in memory, in the order in which they were added.
class FakeQueue final : public ReadyQueue {
 public:
  UploadId add(AccountId account, std::int64_t size, int priority = 5) {
    ready_[{priority, account, size > kLargeUploadBytes}].push_back({++last_id_, size});
    return last_id_;
  }
  void set_weight(AccountId account, int weight) { weights_[account] = weight; }

  std::optional<AccountId> next_account(int priority, AccountId after) override {
    ++visits;
    std::optional<AccountId> next;
    for (const auto& [key, uploads] : ready_) {
      if (key.priority != priority || key.account <= after || uploads.empty()) continue;
      if (!next || key.account < *next) next = key.account;
    }
    return next;
  }
  int weight(AccountId account) override { return weights_.contains(account) ? weights_[account] : 1; }
  std::optional<Head> head(int priority, AccountId account, bool large) override {
    const auto at = ready_.find({priority, account, large});
    if (at == ready_.end() || at->second.empty()) return std::nullopt;
    return at->second.front();
  }
  void take(const Head& head) override {
    for (auto& [key, uploads] : ready_) {
      if (uploads.empty() || uploads.front().id != head.id) continue;
      uploads.pop_front();
      taken.push_back(head.id);
      bytes[key.account] += charge_for(head.rest);
      ++count[key.account];
      return;
    }
    ADD_FAILURE() << "took what was not at the head: " << head.id;
  }

  std::vector<UploadId> taken;
  std::map<AccountId, std::int64_t> bytes;
  std::map<AccountId, int> count;
  int visits = 0;

 private:
  struct Key {
    int priority;
    AccountId account;
    bool large;
    auto operator<=>(const Key&) const = default;
  };
  std::map<Key, std::deque<Head>> ready_;
  std::map<AccountId, int> weights_;
  UploadId last_id_ = 0;
};

// One place after the other, as they get free.
void run(FairShare& share, FakeQueue& queue, int uploads) {
  for (int i = 0; i < uploads; ++i) share.fill(queue, {1, 1});
}

TEST(FairShare, ThoseOfOneAccountGoInTheirOrder) {
  FakeQueue queue;
  FairShare share;
  for (int i = 0; i < 200; ++i) queue.add(1, kMiB);
  share.fill(queue, {200, 200});
  EXPECT_TRUE(std::ranges::is_sorted(queue.taken));
  EXPECT_EQ(queue.taken.size(), 200U);
}

TEST(FairShare, TakesNoMoreThanThereArePlaces) {
  FakeQueue queue;
  FairShare share;
  for (int i = 0; i < 10; ++i) queue.add(1, kMiB);
  share.fill(queue, {0, 0});
  EXPECT_TRUE(queue.taken.empty());
  share.fill(queue, {4, 4});
  EXPECT_EQ(queue.taken.size(), 4U);
}

TEST(FairShare, HigherPrioritiesGoFirstWhoeverTheyAreOf) {
  FakeQueue queue;
  FairShare share;
  const UploadId low = queue.add(1, kMiB, 0);
  const UploadId high = queue.add(2, kMiB, 9);
  const UploadId middle = queue.add(1, kMiB, 5);
  share.fill(queue, {3, 3});
  EXPECT_EQ(queue.taken, (std::vector<UploadId>{high, middle, low}));
}

TEST(FairShare, AFewOfOneAccountDoNotWaitForTheManyOfAnother) {
  FakeQueue queue;
  FairShare share;
  for (int i = 0; i < 100'000; ++i) queue.add(1, 64 * 1024);
  run(share, queue, 1000);
  for (int i = 0; i < 10; ++i) queue.add(2, 64 * 1024);
  const int before = queue.count[1];
  while (queue.count[2] < 10) share.fill(queue, {1, 1});
  EXPECT_LE(queue.count[1] - before, 64) << "one round of the other account at most";
}

TEST(FairShare, SharesAreOfBytesNotOfFiles) {
  FakeQueue queue;
  FairShare share;
  for (int i = 0; i < 3000; ++i) queue.add(1, 2 * kMiB);
  for (int i = 0; i < 3000; ++i) queue.add(2, 50 * kMiB);
  run(share, queue, 2000);
  EXPECT_NEAR(static_cast<double>(queue.bytes[1]) / static_cast<double>(queue.bytes[2]), 1.0, 0.05);
}

TEST(FairShare, FollowsTheWeights) {
  FakeQueue queue;
  FairShare share;
  queue.set_weight(1, 3);
  for (int i = 0; i < 3000; ++i) {
    queue.add(1, 5 * kMiB);
    queue.add(2, 5 * kMiB);
  }
  run(share, queue, 2000);
  EXPECT_NEAR(static_cast<double>(queue.bytes[1]) / static_cast<double>(queue.bytes[2]), 3.0, 0.2);
}

TEST(FairShare, WhatATurnSentIsChargedAtItsEnd) {
  FakeQueue queue;
  FairShare share;
  for (int i = 0; i < 100; ++i) {
    queue.add(1, 200 * kGiB);
    queue.add(2, 200 * kGiB);
  }
  // In each of its turns the first account sends thrice what the second one does.
  for (int i = 0; i < 80; ++i) {
    const int of_first = queue.count[1];
    share.fill(queue, {1, 1});
    const bool first = queue.count[1] > of_first;
    share.settle(5, first ? 1 : 2, (first ? 300 : 100) * kMiB - charge_for(200 * kGiB));
  }
  EXPECT_NEAR(static_cast<double>(queue.count[2]) / queue.count[1], 3.0, 0.3);
  EXPECT_LT(queue.visits, 80 * 12) << "rounds that nobody may have are not walked through";
}

TEST(FairShare, WhoMakesRoomAtOnceIsNotNextAgain) {
  FakeQueue queue;
  FairShare share;
  queue.add(1, kGiB);
  queue.add(1, kGiB);
  run(share, queue, 1);
  const UploadId other = queue.add(2, kGiB);
  share.settle(5, 1, kMiB - charge_for(kGiB));
  run(share, queue, 1);
  EXPECT_EQ(queue.taken.back(), other);
}

TEST(FairShare, WhatWasSentWhileNobodyWaitedIsForgottenButForALittle) {
  FakeQueue queue;
  FairShare share;
  for (int i = 0; i < 100; ++i) queue.add(1, 200 * kGiB);
  run(share, queue, 1);
  share.settle(5, 1, 200 * kGiB);
  for (int i = 0; i < 100; ++i) queue.add(2, kGiB);
  run(share, queue, 40);
  EXPECT_GE(queue.count[1], 10);
}

TEST(FairShare, SmallOnesDoNotWaitForTheLargeOnesOfTheirAccount) {
  FakeQueue queue;
  FairShare share;
  for (int i = 0; i < 100; ++i) queue.add(1, 200 * kGiB);
  run(share, queue, 10);
  const UploadId small = queue.add(1, kMiB);
  run(share, queue, 1);
  EXPECT_EQ(queue.taken.back(), small);
}

TEST(FairShare, LargeOnesDoNotWaitForAllSmallOnesOfTheirAccount) {
  FakeQueue queue;
  FairShare share;
  for (int i = 0; i < 100'000; ++i) queue.add(1, 10 * kMiB);
  const UploadId large = queue.add(1, 100 * kMiB);
  run(share, queue, 20);
  EXPECT_NE(std::ranges::find(queue.taken, large), queue.taken.end());
}

TEST(FairShare, WithoutAPlaceForLargeOnesSmallOnesGoOn) {
  FakeQueue queue;
  FairShare share;
  queue.add(1, kGiB);
  const UploadId small = queue.add(2, kMiB);
  share.fill(queue, {4, 0});
  EXPECT_EQ(queue.taken, (std::vector<UploadId>{small}));
  share.fill(queue, {4, 1});
  EXPECT_EQ(queue.taken.size(), 2U);
}

TEST(FairShare, APlaceIsNotLeftEmptyWhatBecomesReadyInTheMiddleOfATurn) {
  FakeQueue queue;
  FairShare share;
  queue.add(1, kMiB);
  queue.add(1, kMiB);
  share.fill(queue, {1, 1});
  queue.add(1, 10 * kGiB);
  share.fill(queue, {2, 2});
  EXPECT_EQ(queue.taken.size(), 3U);
}

// Whatever comes, a free place is taken as long as anything may have it.
TEST(FairShare, IsWorkConserving) {
  FakeQueue queue;
  FairShare share;
  const std::vector<std::int64_t> sizes = {0, 1, kMiB, 63 * kMiB, 64 * kMiB, 65 * kMiB, 5 * kGiB, 900 * kGiB};
  std::size_t added = 0;
  for (int i = 0; i < 2000; ++i) {
    const AccountId account = 1 + (i * 7) % 13;
    queue.set_weight(account, 1 + static_cast<int>(account) % 5);
    queue.add(account, sizes[static_cast<std::size_t>(i * 11) % sizes.size()], (i * 3) % 10);
    ++added;
    if (i % 3 == 0) share.fill(queue, {1 + i % 2, 2});
  }
  while (queue.taken.size() < added) {
    const std::size_t before = queue.taken.size();
    share.fill(queue, {1, 1});
    ASSERT_EQ(queue.taken.size(), before + 1);
  }
}

}  // namespace
}  // namespace vodlift
