// The counts of uploads say what a walk of all uploads finds, whatever happened to them.
#include <array>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using Counts = std::map<std::pair<AccountId, UploadState>, std::pair<std::int64_t, std::int64_t>>;

class CountConformance : public StoreSuite {
 protected:
  static constexpr std::array<AccountId, 3> kAccounts = {7, kAccount, 159};

  Counts counted() {
    Counts counts;
    const auto answer = uploads().counts();
    EXPECT_TRUE(answer) << answer.error().message;
    for (const UploadCount& one : answer.value()) {
      EXPECT_GT(one.uploads, 0);
      EXPECT_TRUE(counts.try_emplace({one.account, one.state}, one.uploads, one.bytes).second) << "one row each";
    }
    return counts;
  }

  Counts walked() {
    Counts counts;
    for (const AccountId account : kAccounts) {
      UploadQuery query;
      query.limit = 100;
      for (;; query.offset += query.limit) {
        const auto found = uploads().find(account, query).value();
        for (const Upload& upload : found) {
          auto& [count, bytes] = counts[{account, upload.state}];
          ++count;
          bytes += upload.size;
        }
        if (std::ssize(found) < query.limit) break;
      }
    }
    return counts;
  }

  UploadId insert_one(AccountId account, const std::string& destination, std::int64_t size) {
    NewUpload upload = new_upload(destination);
    upload.account = account;
    upload.size = size;
    return insert(upload).id;
  }
};

TEST_P(CountConformance, ByAccountAndState) {
  EXPECT_TRUE(counted().empty());
  insert_one(7, "a", 10);
  insert_one(7, "b", 20);
  insert_one(158, "c", 300);
  const Counts queued = {{{7, UploadState::queued}, {2, 30}}, {{158, UploadState::queued}, {1, 300}}};
  EXPECT_EQ(counted(), queued);
  reopen();
  EXPECT_EQ(counted(), queued);
}

TEST_P(CountConformance, AnEndCountsTheSizeThatWasSent) {
  insert_one(158, "a", 10);
  const Lease lease = claim_one().lease;
  ASSERT_TRUE(journal().record_multipart(lease, open_multipart(500)));
  EXPECT_EQ(counted(), (Counts{{{158, UploadState::uploading}, {1, 500}}}));
  ASSERT_TRUE(finish(lease, completed(700)));
  EXPECT_EQ(counted(), (Counts{{{158, UploadState::completed}, {1, 700}}}));
}

TEST_P(CountConformance, WhatIsRefusedCountsNothing) {
  const UploadId id = insert_one(158, "a", 10);
  const Lease lease = claim_one().lease;
  ASSERT_TRUE(finish(lease, completed(10)));
  EXPECT_FALSE(finish(lease, failed()));
  EXPECT_FALSE(requeue(lease, {}));
  EXPECT_FALSE(journal().record_multipart(lease, open_multipart(500)));
  EXPECT_TRUE(uploads().change({.account = 158, .id = id, .change = UploadChange::cancel, .signature = {}})->refusal);
  EXPECT_EQ(counted(), (Counts{{{158, UploadState::completed}, {1, 10}}}));
}

// Everything that moves an upload, in any order.
class RandomMoves : public CountConformance {
 protected:
  int chance(int below) { return std::uniform_int_distribution(0, below - 1)(random_); }

  void step() {
    switch (chance(8)) {
      case 0:
      case 1:
        known_.emplace_back(kAccounts.at(static_cast<std::size_t>(chance(3))), 0);
        known_.back().second = insert_one(known_.back().first, "to/" + std::to_string(chance(20)), chance(1'000'000));
        break;
      case 2:
      case 3:
        for (const ClaimedUpload& one : claim(1 + chance(3))) leases_.push_back(one.lease);
        break;
      case 4:
        change_one();
        break;
      case 5:
      case 6:
        give_back_one();
        break;
      default:
        take_back();
    }
  }

  void change_one() {
    if (known_.empty()) return;
    const auto& [account, id] = known_.at(static_cast<std::size_t>(chance(static_cast<int>(known_.size()))));
    constexpr std::array kChanges = {UploadChange::cancel, UploadChange::pause, UploadChange::resume,
                                     UploadChange::retry};
    const UploadChange change = kChanges.at(static_cast<std::size_t>(chance(4)));
    EXPECT_TRUE(uploads().change({.account = account, .id = id, .change = change, .signature = {}}));
  }

  // Leases that are lost are among them.
  void give_back_one() {
    if (leases_.empty()) return;
    const auto at = leases_.begin() + chance(static_cast<int>(leases_.size()));
    const Lease lease = *at;
    switch (chance(4)) {
      case 0:
        (void)finish(lease, completed(chance(1'000'000)));
        break;
      case 1:
        (void)finish(lease, failed());
        break;
      case 2:
        (void)requeue(lease, {});
        break;
      default:
        (void)journal().record_multipart(lease, open_multipart(chance(1'000'000)));
        return;  // it goes on
    }
    leases_.erase(at);
  }

  void take_back() {
    if (const auto suspect = queue().next_suspect().value(); suspect && chance(2) == 0) {
      for (const ClaimedUpload& one : queue().claim({suspect->id}, kLease).value()) leases_.push_back(one.lease);
    }
    if (chance(4) == 0) clock_.advance(kLease);
    EXPECT_TRUE(queue().rescue(kMaxCrashes));
    if (chance(4) == 0) reclaim(kMaxCrashes);
  }

  std::mt19937 random_{16};
  std::vector<std::pair<AccountId, UploadId>> known_;
  std::vector<Lease> leases_;
};

TEST_P(RandomMoves, AreCounted) {
  for (int i = 1; i <= 600; ++i) {
    step();
    if (i % 10 != 0) continue;
    ASSERT_EQ(counted(), walked()) << "after " << i << " steps";
  }
  std::map<UploadState, std::int64_t> in_state;
  for (const auto& [place, sums] : counted()) in_state[place.second] += sums.first;
  for (const UploadState state : {UploadState::queued, UploadState::completed, UploadState::failed,
                                  UploadState::cancelled, UploadState::paused}) {
    EXPECT_GT(in_state[state], 0) << to_string(state) << ": the steps are too few to show anything";
  }
}

VODLIFT_INSTANTIATE_CONFORMANCE(CountConformance);
VODLIFT_INSTANTIATE_CONFORMANCE(RandomMoves);

}  // namespace
}  // namespace vodlift::conformance
