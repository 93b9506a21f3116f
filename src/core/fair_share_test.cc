#include "core/fair_share.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <set>

namespace vodlift {
namespace {

constexpr std::int64_t kMiB = std::int64_t{1024} * 1024;
constexpr std::int64_t kGiB = 1024 * kMiB;

// Uploads in memory, in the order in which they were added.
class FakeQueue {
 public:
  UploadId add(AccountId account, std::int64_t size, int priority = 5) {
    ready_[{priority, account}][size > kLargeUploadBytes ? 1 : 0].push_back({++last_id_, size});
    return last_id_;
  }
  void set_weight(AccountId account, int weight) { weights_[account] = weight; }

  Candidates list(const CandidateQuery& query) {
    ++lists;
    Candidates listed;
    int uploads = 0;
    for (int priority = kMaxPriority; priority >= 0; --priority) {
      const auto begin = ready_.lower_bound({priority, 0});
      const auto end = ready_.lower_bound({priority + 1, 0});
      const auto from = ready_.lower_bound({priority, query.from.at(static_cast<std::size_t>(priority))});
      for (const auto& [first, last] : {std::pair(from, end), std::pair(begin, from)}) {
        for (auto at = first; at != last; ++at) {
          const Candidate candidate = candidate_of(at->first, at->second, query);
          if (candidate.small.empty() && candidate.large.empty()) continue;
          if (query.leaves_out && query.leaves_out(at->first.account)) {
            listed.left_out = true;
            continue;
          }
          listed.more_accounts = uploads >= query.uploads;
          if (listed.more_accounts) return listed;
          uploads += static_cast<int>(candidate.small.size() + candidate.large.size());
          listed.accounts.push_back(candidate);
        }
      }
    }
    return listed;
  }

  bool claim(const FairShare::Pick& pick) {
    std::deque<Candidate::Head>& uploads = ready_[{pick.priority, pick.account}][pick.large ? 1 : 0];
    if (refuses.contains(pick.id)) return false;
    EXPECT_FALSE(uploads.empty());
    EXPECT_EQ(uploads.front().id, pick.id);
    uploads.pop_front();
    taken.push_back(pick.id);
    bytes[pick.account] += pick.charge;
    ++count[pick.account];
    return true;
  }

  std::vector<UploadId> taken;
  std::map<AccountId, std::int64_t> bytes;
  std::map<AccountId, int> count;
  std::set<UploadId> refuses;  // to claim these
  int lists = 0;

 private:
  struct Key {
    int priority;
    AccountId account;
    auto operator<=>(const Key&) const = default;
  };
  using Uploads = std::array<std::deque<Candidate::Head>, 2>;  // small and large

  static std::vector<Candidate::Head> first_of(const std::deque<Candidate::Head>& uploads, int limit) {
    return {uploads.begin(), uploads.begin() + std::min<std::ptrdiff_t>(limit, std::ssize(uploads))};
  }
  Candidate candidate_of(const Key& key, const Uploads& uploads, const CandidateQuery& query) {
    Candidate candidate;
    candidate.priority = key.priority;
    candidate.account = key.account;
    if (weights_.contains(key.account)) candidate.weight = weights_[key.account];
    candidate.small = first_of(uploads[0], std::min(query.depth, query.places.all));
    candidate.large = first_of(uploads[1], std::min(query.depth, query.places.large));
    candidate.more_small = candidate.small.size() < uploads[0].size();
    candidate.more_large = candidate.large.size() < uploads[1].size();
    return candidate;
  }

  std::map<Key, Uploads> ready_;
  std::map<AccountId, int> weights_;
  UploadId last_id_ = 0;
};

// Chooses, claims and charges, as a dispatcher does.
void fill(FairShare& share, FakeQueue& queue, Places places) {
  const auto choice = share.choose(places, [&](const CandidateQuery& query) { return queue.list(query); }).value();
  std::vector<UploadId> claimed;
  for (const FairShare::Pick& pick : choice.picks) {
    if (queue.claim(pick)) claimed.push_back(pick.id);
  }
  share.charge(choice, claimed);
}

// One place after the other, as they get free.
void run(FairShare& share, FakeQueue& queue, int uploads) {
  for (int i = 0; i < uploads; ++i) fill(share, queue, {1, 1});
}

TEST(FairShare, ThoseOfOneAccountGoInTheirOrder) {
  FakeQueue queue;
  FairShare share;
  for (int i = 0; i < 200; ++i) queue.add(1, kMiB);
  fill(share, queue, {200, 200});
  EXPECT_TRUE(std::ranges::is_sorted(queue.taken));
  EXPECT_EQ(queue.taken.size(), 200U);
}

TEST(FairShare, TakesNoMoreThanThereArePlaces) {
  FakeQueue queue;
  FairShare share;
  for (int i = 0; i < 10; ++i) queue.add(1, kMiB);
  fill(share, queue, {0, 0});
  EXPECT_TRUE(queue.taken.empty());
  fill(share, queue, {4, 4});
  EXPECT_EQ(queue.taken.size(), 4U);
}

TEST(FairShare, HigherPrioritiesGoFirstWhoeverTheyAreOf) {
  FakeQueue queue;
  FairShare share;
  const UploadId low = queue.add(1, kMiB, 0);
  const UploadId high = queue.add(2, kMiB, 9);
  const UploadId middle = queue.add(1, kMiB, 5);
  fill(share, queue, {3, 3});
  EXPECT_EQ(queue.taken, (std::vector<UploadId>{high, middle, low}));
}

TEST(FairShare, AFewOfOneAccountDoNotWaitForTheManyOfAnother) {
  FakeQueue queue;
  FairShare share;
  for (int i = 0; i < 100'000; ++i) queue.add(1, 64 * 1024);
  run(share, queue, 1000);
  for (int i = 0; i < 10; ++i) queue.add(2, 64 * 1024);
  const int before = queue.count[1];
  while (queue.count[2] < 10) fill(share, queue, {1, 1});
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
    fill(share, queue, {1, 1});
    const bool first = queue.count[1] > of_first;
    share.settle(5, first ? 1 : 2, (first ? 300 : 100) * kMiB - charge_for(200 * kGiB));
  }
  EXPECT_NEAR(static_cast<double>(queue.count[2]) / queue.count[1], 3.0, 0.3);
  EXPECT_LE(queue.lists, 80 * 3) << "rounds that nobody may have are not walked through";
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
  fill(share, queue, {4, 0});
  EXPECT_EQ(queue.taken, (std::vector<UploadId>{small}));
  fill(share, queue, {4, 1});
  EXPECT_EQ(queue.taken.size(), 2U);
}

TEST(FairShare, APlaceIsNotLeftEmptyWhatBecomesReadyInTheMiddleOfATurn) {
  FakeQueue queue;
  FairShare share;
  queue.add(1, kMiB);
  queue.add(1, kMiB);
  fill(share, queue, {1, 1});
  queue.add(1, 10 * kGiB);
  fill(share, queue, {2, 2});
  EXPECT_EQ(queue.taken.size(), 3U);
}

TEST(FairShare, WhatIsNotClaimedIsNotCharged) {
  const auto order = [](bool refuse) {
    FakeQueue queue;
    FairShare share;
    for (int i = 0; i < 20; ++i) {
      queue.add(1, kGiB);
      queue.add(2, kGiB);
    }
    if (refuse) queue.refuses.insert(1);
    run(share, queue, 1);
    EXPECT_EQ(queue.taken.size(), refuse ? 0U : 1U);
    queue.refuses.clear();
    run(share, queue, refuse ? 11 : 10);
    return queue.taken;
  };
  EXPECT_EQ(order(true), order(false)) << "the first upload is still the next one of its account";
}

TEST(FairShare, AChoiceChangesNothingUntilItIsCharged) {
  FakeQueue queue;
  FairShare share;
  for (int i = 0; i < 20; ++i) queue.add(1 + i % 3, 50 * kMiB);
  const auto choose = [&] {
    return share.choose({5, 5}, [&](const CandidateQuery& query) { return queue.list(query); }).value();
  };
  const auto ids = [](const FairShare::Choice& choice) {
    std::vector<UploadId> out;
    for (const FairShare::Pick& pick : choice.picks) out.push_back(pick.id);
    return out;
  };
  const auto first = ids(choose());
  EXPECT_EQ(first.size(), 5U);
  EXPECT_EQ(ids(choose()), first);
}

TEST(FairShare, AFailureToListIsPassedOn) {
  const FairShare share;
  const auto choice = share.choose({1, 1}, [](const CandidateQuery&) -> Result<Candidates> {
    return Error{Errc::store_failed, "no disk"};
  });
  ASSERT_FALSE(choice);
  EXPECT_EQ(choice.error().code, Errc::store_failed);
}

TEST(FairShare, AsksOnceWhileAccountsHaveMuchReady) {
  FakeQueue queue;
  FairShare share;
  for (const AccountId account : {1, 2, 3}) {
    for (int i = 0; i < 1000; ++i) queue.add(account, kMiB);
  }
  // Each turn is of 64 of these uploads: a claim may end one exactly, and the next claim begins the next.
  for (int i = 0; i < 100; ++i) fill(share, queue, {16, 16});
  EXPECT_EQ(queue.taken.size(), 1600U);
  EXPECT_EQ(queue.lists, 100);
}

// A hundred thousand accounts are ready: a claim lists about as many as it has places, also while all are in debt.
TEST(FairShare, ListsOnlyAsMuchAsItNeeds) {
  FakeQueue queue;
  FairShare share;
  for (AccountId account = 1; account <= 100'000; ++account) queue.add(account, 10 * kGiB);
  int listed = 0;
  const auto choose = [&](Places places) {
    listed = 0;
    return share
        .choose(places,
                [&](const CandidateQuery& query) {
                  Candidates candidates = queue.list(query);
                  listed += static_cast<int>(candidates.accounts.size());
                  return Result<Candidates>(std::move(candidates));
                })
        .value();
  };
  EXPECT_EQ(choose({16, 16}).picks.size(), 16U);
  EXPECT_LE(listed, 16);
  for (AccountId account = 1; account <= 100'000; ++account) share.settle(5, account, kGiB);
  EXPECT_EQ(choose({16, 16}).picks.size(), 16U) << "nobody else is ready";
  EXPECT_LE(listed, 8192);
}

// Each of these accounts has the same room.
FairShare::Room room_of(std::set<AccountId> capped, int room) {
  return [capped = std::move(capped), room](AccountId account) {
    return capped.contains(account) ? std::optional(room) : std::nullopt;
  };
}

class Room : public testing::Test {
 protected:
  // Chooses and claims. Answers the account of each upload, in their order.
  std::vector<AccountId> take(Places places, const FairShare::Room& room) {
    const auto list = [this](const CandidateQuery& query) { return Result<Candidates>(queue_.list(query)); };
    const auto choice = share_.choose(places, list, room).value();
    std::vector<AccountId> accounts;
    std::vector<UploadId> claimed;
    for (const FairShare::Pick& pick : choice.picks) {
      EXPECT_TRUE(queue_.claim(pick));
      accounts.push_back(pick.account);
      claimed.push_back(pick.id);
    }
    share_.charge(choice, claimed);
    return accounts;
  }

  FakeQueue queue_;
  FairShare share_;
};

TEST_F(Room, AnAccountBeginsNoMoreThanItHasRoomFor) {
  for (int i = 0; i < 10; ++i) queue_.add(1, kMiB);
  queue_.add(1, kGiB);
  queue_.add(1, kMiB, 9);
  for (int i = 0; i < 3; ++i) queue_.add(2, kMiB);
  EXPECT_EQ(take({8, 8}, room_of({1}, 2)), (std::vector<AccountId>{1, 1, 2, 2, 2})) << "over all priorities and sizes";
  EXPECT_EQ(queue_.taken.front(), 12) << "the highest priority first";
  EXPECT_EQ(queue_.taken[1], 1) << "then the one that waits longest";
  EXPECT_EQ(take({8, 8}, room_of({1}, 1)), (std::vector<AccountId>{1}));
  EXPECT_EQ(queue_.taken.back(), 2);
}

TEST_F(Room, ListsNothingThatHasNone) {
  std::set<AccountId> capped;
  for (AccountId account = 1; account <= 1000; ++account) {
    for (int i = 0; i < 20; ++i) queue_.add(account, kMiB);
    capped.insert(account);
  }
  EXPECT_TRUE(take({8, 8}, room_of(capped, 0)).empty());
  EXPECT_EQ(queue_.lists, 1);
  queue_.add(1001, kMiB);
  EXPECT_EQ(take({8, 8}, room_of(capped, 0)), (std::vector<AccountId>{1001})) << "the next account goes on";
  EXPECT_EQ(queue_.lists, 2);
}

TEST_F(Room, ADebtStaysWhileThereIsNone) {
  queue_.add(1, 10 * kGiB);
  EXPECT_EQ(take({1, 1}, nullptr), (std::vector<AccountId>{1}));
  share_.settle(5, 1, kGiB);
  queue_.add(1, kMiB);
  queue_.add(1, kGiB);
  EXPECT_TRUE(take({4, 4}, room_of({1}, 0)).empty());
  for (int i = 0; i < 3; ++i) queue_.add(2, kGiB);
  const auto order = take({4, 4}, nullptr);
  EXPECT_EQ(std::ranges::count(order, 2), 3) << "the large uploads of the account that owes nothing come first";
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
    if (i % 3 == 0) fill(share, queue, {1 + i % 2, 2});
  }
  while (queue.taken.size() < added) {
    const std::size_t before = queue.taken.size();
    fill(share, queue, {1, 1});
    ASSERT_EQ(queue.taken.size(), before + 1);
  }
}

}  // namespace
}  // namespace vodlift
