// Who is taken next: priority, then age; and one at a time for the same object.
#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using std::chrono::seconds;
using Ids = std::vector<UploadId>;

class ClaimConformance : public StoreSuite {};

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
  ASSERT_TRUE(uploads().finish(running[0].lease, completed()));
  const auto next = claim();
  ASSERT_EQ(next.size(), 1U);
  EXPECT_EQ(next[0].upload.id, second);
  ASSERT_TRUE(uploads().finish(next[0].lease, failed()));
  EXPECT_EQ(claim_ids(), (Ids{third}));
}

TEST_P(ClaimConformance, SameObjectWaitsThroughARetryAndARestart) {
  const UploadId first = insert("same");
  insert("same");
  const auto running = claim_one();
  ASSERT_TRUE(uploads().requeue(running.lease, clock_.now() + seconds(60), std::nullopt, true));
  EXPECT_TRUE(claim().empty());
  reopen();
  EXPECT_TRUE(claim().empty());
  clock_.advance(seconds(60));
  EXPECT_EQ(claim_ids(), (Ids{first}));
}

TEST_P(ClaimConformance, AnEndedUploadHoldsNobodyUp) {
  insert("same");
  ASSERT_TRUE(uploads().finish(claim_one().lease, completed()));
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
  EXPECT_EQ(claim_ids(), (Ids{first, second, third, last}));
}

TEST_P(ClaimConformance, ALongChainDrainsInOrder) {
  Ids chain;
  for (int i = 0; i < 20; ++i) chain.push_back(insert("same"));
  Ids order;
  for (int i = 0; i < 20; ++i) {
    const auto running = claim();
    ASSERT_EQ(running.size(), 1U);
    order.push_back(running[0].upload.id);
    ASSERT_TRUE(uploads().finish(running[0].lease, completed()));
  }
  EXPECT_EQ(order, chain);
}

TEST_P(ClaimConformance, NextDueIsTheEarliestOfAll) {
  EXPECT_EQ(uploads().next_due().value(), std::nullopt);
  const WallTime created = clock_.now();
  insert("a", 2);
  EXPECT_EQ(uploads().next_due().value(), created);
  const auto first = claim_one();
  EXPECT_EQ(uploads().next_due().value(), std::nullopt) << "what runs is not due";
  ASSERT_TRUE(uploads().requeue(first.lease, created + seconds(90), std::nullopt, true));
  EXPECT_EQ(uploads().next_due().value(), created + seconds(90));
  insert("b", 9);
  const auto second = claim_one();
  ASSERT_TRUE(uploads().requeue(second.lease, created + seconds(30), std::nullopt, true));
  EXPECT_EQ(uploads().next_due().value(), created + seconds(30));
}

TEST_P(ClaimConformance, AWaitingUploadIsNotDue) {
  insert("same");
  insert("same");
  claim_one();
  EXPECT_EQ(uploads().next_due().value(), std::nullopt);
}

VODLIFT_INSTANTIATE_CONFORMANCE(ClaimConformance);

}  // namespace
}  // namespace vodlift::conformance
