// Who is taken next: priority, then age; and one at a time for the same object.
#include "conformance/postgres_under_test.h"
#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using std::chrono::seconds;
using Ids = std::vector<UploadId>;

class ClaimConformance : public StoreSuite {
 protected:
  // Up to `uploads` are listed, `depth` of each account and kind.
  Candidates candidates(int uploads = 100, int depth = 100, Places places = {100, 100}) {
    return queue().candidates({places, uploads, depth, {}}).value();
  }
};

TEST_P(ClaimConformance, NothingQueuedNothingClaimed) { EXPECT_TRUE(claim().empty()); }

TEST_P(ClaimConformance, HandsOutWhatTheWorkerNeeds) {
  const UploadId id = insert("a");
  clock_.advance(seconds(3));
  const ClaimedUpload claimed = claim_one();
  EXPECT_EQ(claimed.lease.id, id);
  EXPECT_GE(claimed.lease.fence, 1);
  EXPECT_EQ(claimed.token, "0123456789abcdef0123456789abcdef");
  EXPECT_TRUE(claimed.journal.multipart_id.empty());
  EXPECT_EQ(claimed.upload.id, id);
  EXPECT_EQ(claimed.upload.state, UploadState::uploading);
  EXPECT_EQ(claimed.upload.attempts, 1);
  EXPECT_EQ(claimed.upload.started, clock_.now());
  EXPECT_EQ(claimed.upload.request.destination_path, "a");
  EXPECT_EQ(look(id).state, UploadState::uploading);
}

TEST_P(ClaimConformance, NobodyIsClaimedTwice) {
  insert("a");
  EXPECT_EQ(claim().size(), 1U);
  EXPECT_TRUE(claim().empty());
}

TEST_P(ClaimConformance, HighestPriorityFirstThenOldest) {
  const UploadId low_old = insert("a", 0);
  clock_.advance(seconds(1));
  const UploadId high_old = insert("b", 9);
  clock_.advance(seconds(1));
  const UploadId middle = insert("c", 5);
  clock_.advance(seconds(1));
  const UploadId high_young = insert("d", 9);
  EXPECT_EQ(claim_ids(3), (Ids{high_old, high_young, middle}));
  EXPECT_EQ(claim_ids(3), (Ids{low_old}));
}

TEST_P(ClaimConformance, EqualAgeGoesByNumber) {
  const UploadId first = insert("a");
  const UploadId second = insert("b");
  const UploadId third = insert("c");
  EXPECT_EQ(claim_ids(), (Ids{first, second, third}));
}

TEST_P(ClaimConformance, TakesNoMoreThanAsked) {
  for (int i = 0; i < 5; ++i) insert(std::to_string(i));
  EXPECT_EQ(claim(2).size(), 2U);
  EXPECT_EQ(claim(0).size(), 0U);
  EXPECT_EQ(claim(10).size(), 3U);
}

TEST_P(ClaimConformance, SameObjectRunsOneAfterTheOther) {
  const UploadId first = insert("same");
  const UploadId second = insert("same", 9);
  const UploadId third = insert("same", 9);
  const auto running = claim();
  ASSERT_EQ(running.size(), 1U);
  EXPECT_EQ(running[0].upload.id, first) << "priority does not overtake on the same object";
  EXPECT_TRUE(claim().empty());
  ASSERT_TRUE(finish(running[0].lease, completed()));
  const auto next = claim();
  ASSERT_EQ(next.size(), 1U);
  EXPECT_EQ(next[0].upload.id, second);
  ASSERT_TRUE(finish(next[0].lease, failed()));
  EXPECT_EQ(claim_ids(), (Ids{third}));
}

TEST_P(ClaimConformance, SameObjectWaitsThroughARetryAndARestart) {
  const UploadId first = insert("same");
  insert("same");
  const auto running = claim_one();
  ASSERT_TRUE(requeue(running.lease, {.delay = seconds(60), .failed_attempt = true}));
  EXPECT_TRUE(claim().empty());
  reopen();
  EXPECT_TRUE(claim().empty());
  clock_.advance(seconds(60));
  EXPECT_EQ(claim_ids(), (Ids{first}));
}

TEST_P(ClaimConformance, AnEndedUploadHoldsNobodyUp) {
  insert("same");
  ASSERT_TRUE(finish(claim_one().lease, completed()));
  const UploadId later = insert("same");
  EXPECT_EQ(claim_ids(), (Ids{later}));
}

TEST_P(ClaimConformance, OtherObjectsDoNotWait) {
  const UploadId first = insert("same");
  NewUpload other_bucket = new_upload("same");
  other_bucket.request.bucket = "other";
  NewUpload other_account = new_upload("same");
  other_account.account = 159;
  const UploadId second = insert(other_bucket).id;
  const UploadId third = insert(other_account).id;
  insert("same");
  const UploadId last = insert("different");
  EXPECT_EQ(claim_ids(), (Ids{first, second, last, third})) << "one account after the other";
}

TEST_P(ClaimConformance, ALongChainDrainsInOrder) {
  Ids chain;
  for (int i = 0; i < 20; ++i) chain.push_back(insert("same"));
  Ids order;
  for (int i = 0; i < 20; ++i) {
    const auto running = claim();
    ASSERT_EQ(running.size(), 1U);
    order.push_back(running[0].upload.id);
    ASSERT_TRUE(finish(running[0].lease, completed()));
  }
  EXPECT_EQ(order, chain);
}

TEST_P(ClaimConformance, NextDueIsTheEarliestOfAll) {
  EXPECT_EQ(queue().next_due().value(), std::nullopt);
  insert("a", 2);
  EXPECT_EQ(queue().next_due().value(), seconds(0));
  const auto first = claim_one();
  EXPECT_EQ(queue().next_due().value(), std::nullopt) << "what runs is not due";
  ASSERT_TRUE(requeue(first.lease, {.delay = seconds(90), .failed_attempt = true}));
  EXPECT_EQ(queue().next_due().value(), seconds(90));
  insert("b", 9);
  const auto second = claim_one();
  ASSERT_TRUE(requeue(second.lease, {.delay = seconds(30), .failed_attempt = true}));
  EXPECT_EQ(queue().next_due().value(), seconds(30));
}

TEST_P(ClaimConformance, AnAccountWithFewDoesNotWaitForOneWithMany) {
  for (int i = 0; i < 500; ++i) insert("a" + std::to_string(i));
  ASSERT_EQ(claim(10).size(), 10U);
  std::vector<UploadId> few;
  for (int i = 0; i < 10; ++i) {
    NewUpload upload = new_upload("b" + std::to_string(i));
    upload.account = 159;
    few.push_back(insert(upload).id);
  }
  int of_the_many = 0;
  std::vector<UploadId> taken;
  while (taken.size() < few.size()) {
    const auto one = claim_one();
    if (one.upload.account == 159) {
      taken.push_back(one.upload.id);
    } else {
      ++of_the_many;
    }
  }
  EXPECT_EQ(taken, few);
  EXPECT_LE(of_the_many, 64);
}

TEST_P(ClaimConformance, SmallAndLargeOnesOfAnAccountGoBesideOneAnother) {
  std::vector<UploadId> large;
  for (int i = 0; i < 5; ++i) {
    NewUpload upload = new_upload("large" + std::to_string(i));
    upload.size = kLargeUploadBytes + 1;
    large.push_back(insert(upload).id);
  }
  const UploadId small = insert("small");
  const auto without = claim(Places{3, 0});
  ASSERT_EQ(without.size(), 1U) << "there is no place for large ones";
  EXPECT_EQ(without[0].upload.id, small);
  const auto rest = claim(Places{5, 2});
  ASSERT_EQ(rest.size(), 2U);
  EXPECT_EQ(rest[0].upload.id, large[0]);
  EXPECT_EQ(rest[1].upload.id, large[1]);
}

TEST_P(ClaimConformance, ListsWhatIsReady) {
  EXPECT_TRUE(candidates().accounts.empty());
  const UploadId small = insert("a");
  NewUpload other = new_upload("b", 9);
  other.account = 159;
  other.size = kLargeUploadBytes + 1;
  const UploadId large = insert(other).id;
  const Candidates ready = candidates();
  EXPECT_FALSE(ready.more_accounts);
  ASSERT_EQ(ready.accounts.size(), 2U);
  EXPECT_EQ(ready.accounts[0].account, 159);
  EXPECT_EQ(ready.accounts[0].priority, 9);
  EXPECT_EQ(ready.accounts[0].weight, kDefaultWeight);
  EXPECT_TRUE(ready.accounts[0].small.empty());
  ASSERT_EQ(ready.accounts[0].large.size(), 1U);
  EXPECT_EQ(ready.accounts[0].large[0].id, large);
  EXPECT_EQ(ready.accounts[0].large[0].rest, kLargeUploadBytes + 1);
  EXPECT_EQ(ready.accounts[1].account, kAccount);
  ASSERT_EQ(ready.accounts[1].small.size(), 1U);
  EXPECT_EQ(ready.accounts[1].small[0].id, small);
  claim();
  EXPECT_TRUE(candidates().accounts.empty());
}

TEST_P(ClaimConformance, ListsNoMoreThanAskedAndTellsSo) {
  for (AccountId account = 1; account <= 5; ++account) {
    for (const std::int64_t size : {std::int64_t{1000}, kLargeUploadBytes + 1}) {
      for (int i = 0; i < 3; ++i) {
        NewUpload upload = new_upload(std::to_string(i) + " " + std::to_string(size));
        upload.account = account;
        upload.size = size;
        insert(std::move(upload));
      }
    }
  }
  const Candidates all = candidates(1000, 3);
  ASSERT_EQ(all.accounts.size(), 5U);
  EXPECT_FALSE(all.more_accounts);
  for (const Candidate& one : all.accounts) {
    EXPECT_EQ(one.small.size() + one.large.size(), 6U);
    EXPECT_FALSE(one.more_small || one.more_large);
  }
  const Candidates few = candidates(5, 2);
  ASSERT_EQ(few.accounts.size(), 2U);
  EXPECT_TRUE(few.more_accounts);
  EXPECT_EQ(few.accounts[0].small.size(), 2U);
  EXPECT_TRUE(few.accounts[0].more_small);
  EXPECT_EQ(few.accounts[0].large.size(), 2U);
  EXPECT_TRUE(few.accounts[0].more_large);
  const Candidates none_large = candidates(1000, 100, {2, 0});
  ASSERT_EQ(none_large.accounts.size(), 5U);
  EXPECT_EQ(none_large.accounts[0].small.size(), 2U) << "no more than there are places";
  EXPECT_TRUE(none_large.accounts[0].large.empty());
}

TEST_P(ClaimConformance, ListsTheAccountsFromWhereItIsAsked) {
  for (AccountId account = 1; account <= 4; ++account) {
    NewUpload upload = new_upload("a");
    upload.account = account;
    insert(std::move(upload));
  }
  CandidateQuery query{{10, 10}, 100, 10, {}};
  query.from[5] = 3;
  std::vector<AccountId> accounts;
  for (const Candidate& one : queue().candidates(query).value().accounts) accounts.push_back(one.account);
  EXPECT_EQ(accounts, (std::vector<AccountId>{3, 4, 1, 2}));
}

TEST_P(ClaimConformance, WhatIsNotReadyIsNotClaimed) {
  const UploadId running = insert("a");
  const UploadId waiting = insert("a");
  claim_one();
  const UploadId ready = insert("b");
  const UploadId delayed = insert("c");
  ASSERT_TRUE(requeue(queue().claim({delayed}, kLease).value().at(0).lease, {.delay = seconds(60)}));
  const auto claimed = queue().claim({running, waiting, delayed, ready, ready, ready + 1000}, kLease).value();
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_EQ(claimed[0].lease.id, ready);
}

TEST_P(ClaimConformance, WhatWaitsForItsNextAttemptIsNotReadyAndTakesItsTurnAfterwards) {
  const UploadId first = insert("a");
  const auto claimed = claim_one();
  ASSERT_TRUE(requeue(claimed.lease, {.delay = seconds(60), .failed_attempt = true}));
  clock_.advance(seconds(30));
  const UploadId second = insert("b");
  EXPECT_EQ(candidates().accounts.size(), 1U);
  EXPECT_EQ(claim_ids(), (Ids{second}));
  clock_.advance(seconds(30));
  const UploadId third = insert("c");
  clock_.advance(seconds(1));
  EXPECT_EQ(claim_ids(), (Ids{first, third})) << "due since before the third was there";
}

TEST_P(ClaimConformance, AccountsThatAreLeftOutAreNotListed) {
  CandidateQuery query{{100, 100}, 100, 100, {}};
  query.leaves_out = [](AccountId account) { return account != 160; };
  EXPECT_FALSE(queue().candidates(query).value().left_out) << "nothing is ready";
  for (const AccountId account : {158, 159, 160, 161}) {
    NewUpload upload = new_upload("a");
    upload.account = account;
    insert(upload);
  }
  const Candidates ready = queue().candidates(query).value();
  EXPECT_TRUE(ready.left_out);
  EXPECT_FALSE(ready.more_accounts);
  ASSERT_EQ(ready.accounts.size(), 1U);
  EXPECT_EQ(ready.accounts[0].account, 160);
  EXPECT_EQ(ready.accounts[0].small.size(), 1U);
}

TEST_P(ClaimConformance, AWaitingUploadIsNotDue) {
  insert("same");
  insert("same");
  claim_one();
  EXPECT_EQ(queue().next_due().value(), std::nullopt);
}

TEST_P(ClaimConformance, AWeightAppliesToTheNextClaim) {
  ASSERT_TRUE(accounts().add_account({kAccount, "jb", Secret("whsec_jb"), clock_.now()}));
  ASSERT_TRUE(accounts().change_account(kAccount, weighing(7)));
  insert("a");
  EXPECT_EQ(candidates(1).accounts.at(0).weight, 7);
  reopen();
  EXPECT_EQ(claim_one().weight, 7);
}

VODLIFT_INSTANTIATE_CONFORMANCE(ClaimConformance);
INSTANTIATE_TEST_SUITE_P(ShortLooks, ClaimConformance,
                         testing::Values(postgres_that_is_told(), postgres_that_surveys()), name_of);

}  // namespace
}  // namespace vodlift::conformance
