// Crashes: what was under way beside the fault of another does not fail, and what crashes alone does.
#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using std::chrono::seconds;

class CrashConformance : public StoreSuite {
 protected:
  // Claims the upload and lets the lease run out, as a worker that died would.
  void crash_once() {
    const auto suspect = queue().next_suspect().value();
    if (suspect) {
      EXPECT_TRUE(claim().empty()) << "only by itself";
      EXPECT_EQ(queue().claim({suspect->id}, kLease).value().size(), 1U);
    } else {
      claim_one();
    }
    clock_.advance(kLease);
    EXPECT_EQ(queue().rescue(kMaxCrashes).value(), 1);
  }
};

TEST_P(CrashConformance, GivesUpAfterRepeatedCrashes) {
  NewUpload upload = new_upload("a");
  upload.request.callback = "http://www.example.com/";
  const UploadId id = insert(upload).id;
  for (int i = 1; i < kMaxCrashes; ++i) {
    crash_once();
    ASSERT_EQ(look(id).state, UploadState::queued);
  }
  crash_once();
  const Upload waiting = look(id);
  EXPECT_EQ(waiting.state, UploadState::queued) << "its object is looked for first";
  ASSERT_TRUE(waiting.error);
  EXPECT_EQ(waiting.error->code, Errc::crashed_repeatedly);
  crash_once();
  const Upload ended = look(id);
  EXPECT_EQ(ended.state, UploadState::failed);
  ASSERT_TRUE(ended.error);
  EXPECT_EQ(ended.error->code, Errc::crashed_repeatedly);
  EXPECT_EQ(ended.finished, clock_.now());
  EXPECT_TRUE(claim().empty());
  ASSERT_EQ(claim_callbacks().size(), 1U) << "its callback is due like any other";
}

TEST_P(CrashConformance, ARequestWithoutAnAnswerIsRemembered) {
  insert("a");
  ClaimedUpload claimed = claim_one();
  EXPECT_FALSE(claimed.unanswered);
  EXPECT_FALSE(claimed.only_look);
  ASSERT_TRUE(requeue(claimed.lease, {}));
  claimed = claim_one();
  EXPECT_FALSE(claimed.unanswered);

  const SentBytes sent{5'000'000'000, 0xFFFFFFFF};
  const WallTime then = clock_.now();
  ASSERT_TRUE(requeue(claimed.lease, {.unanswered = true, .sent = sent}));
  clock_.advance(seconds(1));
  claimed = claim_one();
  EXPECT_EQ(claimed.unanswered, (Unanswered{then, sent}));
  ASSERT_TRUE(requeue(claimed.lease, {.only_look = true}));
  claimed = claim_one();
  EXPECT_EQ(claimed.unanswered, (Unanswered{then, sent})) << "a run that sent nothing changes nothing";
  EXPECT_TRUE(claimed.only_look);
  ASSERT_TRUE(requeue(claimed.lease, {.unanswered = true}));
  claimed = claim_one();
  EXPECT_EQ(claimed.unanswered, (Unanswered{clock_.now(), std::nullopt})) << "the last one counts";
  EXPECT_TRUE(claimed.only_look) << "for good";
}

TEST_P(CrashConformance, AWorkerThatDiedMayHaveSentSomething) {
  insert("a");
  crash_once();
  EXPECT_EQ(claim_one().unanswered, (Unanswered{clock_.now(), std::nullopt}));
}

TEST_P(CrashConformance, CrashesInCompanyMakeSuspectsAndNoFailures) {
  const UploadId first = insert("a");
  const UploadId second = insert("b");
  for (int i = 1; i <= 2; ++i) {
    EXPECT_FALSE(queue().next_suspect().value());
    ASSERT_EQ(claim().size(), 2U);
    ASSERT_EQ(reclaim(kMaxCrashes), 2);
  }
  const UploadId healthy = insert("c");
  EXPECT_EQ(claim_ids(), (std::vector<UploadId>{healthy})) << "suspects are not among the others";
  for (int i = 1; i <= kMaxCrashes; ++i) {  // each time beside the healthy one
    const auto suspect = queue().next_suspect().value();
    ASSERT_TRUE(suspect);
    EXPECT_EQ(suspect->id, first);
    EXPECT_EQ(suspect->crashes, i + 1);
    EXPECT_EQ(queue().claim({first}, kLease).value().size(), 1U);
    if (i > 1) {
      EXPECT_EQ(claim_ids(), i == 2 ? std::vector<UploadId>{healthy} : std::vector<UploadId>());
      if (i == 3) {
        EXPECT_EQ(queue().claim({healthy}, kLease).value().size(), 1U);
      }
    }
    ASSERT_EQ(reclaim(kMaxCrashes), 2);
  }
  for (const UploadId id : {first, second, healthy}) EXPECT_EQ(look(id).state, UploadState::queued);
}

TEST_P(CrashConformance, SuspectsTakeTurnsAndEachCrashAloneCounts) {
  const UploadId first = insert("a");
  const UploadId second = insert("b");
  for (int i = 1; i <= 2; ++i) {
    ASSERT_EQ(claim().size(), 2U);
    ASSERT_EQ(reclaim(kMaxCrashes), 2);
  }
  std::vector<UploadId> order;
  for (int i = 1; i <= 2 * (kMaxCrashes + 1); ++i) {  // the last time it is only looked for
    const auto suspect = queue().next_suspect().value();
    ASSERT_TRUE(suspect);
    order.push_back(suspect->id);
    ASSERT_EQ(queue().claim({suspect->id}, kLease).value().size(), 1U);
    ASSERT_EQ(reclaim(kMaxCrashes), 1);
  }
  EXPECT_EQ(order, (std::vector<UploadId>{first, second, first, second, first, second, first, second}));
  for (const UploadId id : {first, second}) EXPECT_EQ(look(id).state, UploadState::failed);
}

TEST_P(CrashConformance, WhatIsGivenBackInOrderIsNoSuspectAnyMore) {
  const UploadId id = insert("a");
  crash_once();
  crash_once();
  const auto suspect = queue().next_suspect().value();
  ASSERT_TRUE(suspect);
  const auto claimed = queue().claim({id}, kLease).value();
  ASSERT_EQ(claimed.size(), 1U);
  ASSERT_TRUE(requeue(claimed[0].lease, {}));
  EXPECT_FALSE(queue().next_suspect().value());
  EXPECT_EQ(claim_ids(), (std::vector<UploadId>{id}));
}

TEST_P(CrashConformance, APausedSuspectIsNoneAfterItsResumption) {
  const UploadId id = insert("a");
  crash_once();
  crash_once();
  ASSERT_TRUE(queue().next_suspect().value());
  ASSERT_FALSE(uploads()
                   .change({.account = look(id).account, .id = id, .change = UploadChange::pause, .signature = {}})
                   ->refusal);
  EXPECT_FALSE(queue().next_suspect().value());
  ASSERT_FALSE(uploads()
                   .change({.account = look(id).account, .id = id, .change = UploadChange::resume, .signature = {}})
                   ->refusal);
  EXPECT_EQ(claim_ids(), (std::vector<UploadId>{id}));
}

TEST_P(CrashConformance, APartInBetweenForgivesCrashes) {
  const UploadId id = insert("a");
  for (int i = 0; i < 3 * kMaxCrashes; ++i) {
    const Lease lease = claim_one().lease;
    if (i == 0) {
      ASSERT_TRUE(journal().record_multipart(lease, open_multipart(10'000)));
    }
    ASSERT_TRUE(journal().record_part(lease, part(i + 1, 100)));
    clock_.advance(kLease);
    ASSERT_EQ(queue().rescue(kMaxCrashes).value(), 1);
  }
  EXPECT_EQ(look(id).state, UploadState::queued);
}

VODLIFT_INSTANTIATE_CONFORMANCE(CrashConformance);

}  // namespace
}  // namespace vodlift::conformance
