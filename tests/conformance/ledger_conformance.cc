// The ledger of multipart uploads: nothing that may be open is forgotten, nothing that is in use is left.
#include <fmt/format.h>

#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using namespace std::chrono_literals;

class LedgerConformance : public StoreSuite {
 protected:
  const MultipartPlace place_{"https://s3.example", "my_bucket", "a"};

  // Claims an upload and opens the multipart upload of open_multipart(250), as a worker does.
  Lease open_one() {
    insert("a");
    const Lease lease = claim_one().lease;
    EXPECT_TRUE(journal().intend(lease, place_));
    EXPECT_TRUE(journal().record_multipart(lease, open_multipart(250)));
    return lease;
  }
  std::vector<AbandonedMultipart> left() { return ledger().abandoned(std::nullopt, 100).value(); }
  std::string the_id() { return open_multipart(250).multipart_id; }
};

TEST_P(LedgerConformance, AnEntryWithItsIdIsKnownAndNotLeft) {
  open_one();
  const auto known = ledger().known(place_).value();
  EXPECT_EQ(known.ids, std::vector<std::string>{the_id()});
  EXPECT_FALSE(known.create_under_way);
  EXPECT_TRUE(left().empty());
  EXPECT_TRUE(ledger().due(10).value().empty());
  EXPECT_FALSE(ledger().next_due().value());
}

TEST_P(LedgerConformance, CountsWhatIsInUseAndWhatIsLeft) {
  EXPECT_EQ(ledger().counts().value(), LedgerCounts());
  const Lease lease = open_one();
  EXPECT_EQ(ledger().counts().value(), (LedgerCounts{1, 0}));
  ASSERT_TRUE(requeue(lease, {}));
  const Lease again = claim_one().lease;
  ASSERT_TRUE(journal().intend(again, place_));
  EXPECT_EQ(ledger().counts().value(), (LedgerCounts{1, 1})) << "the next Create leaves the one before";
  ASSERT_TRUE(requeue(again, {}));
  EXPECT_EQ(ledger().counts().value(), (LedgerCounts{0, 2}));
}

TEST_P(LedgerConformance, TheJournalTellsWhereItLies) {
  const Lease lease = open_one();
  ASSERT_TRUE(requeue(lease, {}));
  EXPECT_EQ(claim_one().journal.endpoint, place_.endpoint);
}

TEST_P(LedgerConformance, AfterACrashTheCreateUnderWayIsLeftToBeLookedFor) {
  const UploadId id = insert("a");
  const Lease lease = claim_one().lease;
  ASSERT_TRUE(journal().intend(lease, place_));
  EXPECT_TRUE(ledger().known(place_).value().create_under_way);
  const WallTime intended = clock_.now();
  clock_.advance(1h);
  reopen();
  ASSERT_EQ(reclaim(kMaxCrashes), 1);
  ASSERT_EQ(left().size(), 1U);
  const AbandonedMultipart entry = left()[0];
  EXPECT_EQ(entry.upload, id);
  EXPECT_EQ(entry.account, kAccount);
  EXPECT_EQ(entry.place, place_);
  EXPECT_EQ(entry.multipart_id, "");
  EXPECT_EQ(entry.creates, 1);
  EXPECT_EQ(entry.first, intended);
  EXPECT_EQ(entry.last, intended);
  EXPECT_EQ(entry.abandoned, clock_.now());
  EXPECT_EQ(ledger().next_due().value(), 0min);
  EXPECT_FALSE(ledger().known(place_).value().create_under_way);
}

TEST_P(LedgerConformance, CreatesThatFollowCloselyAreLookedForTogether) {
  insert("a");
  const Lease lease = claim_one().lease;
  const WallTime first = clock_.now();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(journal().intend(lease, place_));
    clock_.advance(1min);
  }
  ASSERT_TRUE(journal().record_multipart(lease, open_multipart(250)));
  ASSERT_EQ(left().size(), 1U);
  EXPECT_EQ(left()[0].creates, 2);
  EXPECT_EQ(left()[0].first, first);
  EXPECT_EQ(left()[0].last, first + 1min);
  clock_.advance(1h);
  ASSERT_TRUE(journal().intend(lease, place_));
  ASSERT_TRUE(requeue(lease, {.failed_attempt = true}));
  ASSERT_EQ(left().size(), 3U) << "the old search, the multipart upload that another was opened beside, a new search";
  EXPECT_EQ(left()[0].creates, 2);
  EXPECT_EQ(left()[1].multipart_id, the_id());
  EXPECT_EQ(left()[2].creates, 1);
}

// However an upload ends, the reaper must know that both may be open: it aborts no more than there were Creates.
TEST_P(LedgerConformance, AnUploadThatEndsHasItsLostCreatesLookedForTogether) {
  UploadEnding cancelled;
  cancelled.state = UploadState::cancelled;
  int number = 0;
  for (const UploadEnding& ending : {completed(), failed(), cancelled}) {
    const UploadId id = insert(fmt::format("{}", ++number));
    const Lease lease = claim_one().lease;
    const WallTime first = clock_.now();
    ASSERT_TRUE(journal().intend(lease, place_));
    clock_.advance(1min);
    ASSERT_TRUE(journal().intend(lease, place_));
    clock_.advance(1min);
    ASSERT_TRUE(finish(lease, ending));
    ASSERT_EQ(left().size(), 1U) << to_string(ending.state);
    EXPECT_EQ(left()[0].upload, id);
    EXPECT_EQ(left()[0].multipart_id, "");
    EXPECT_EQ(left()[0].creates, 2);
    EXPECT_EQ(left()[0].first, first);
    EXPECT_EQ(left()[0].last, first + 1min);
    EXPECT_EQ(left()[0].abandoned, first + 1min) << "when the first answer was given up";
    ASSERT_TRUE(ledger().remove(left()[0].id));
    EXPECT_FALSE(ledger().known(place_).value().create_under_way);
  }
}

TEST_P(LedgerConformance, AWithdrawnCreateLeavesNothing) {
  insert("a");
  const Lease lease = claim_one().lease;
  ASSERT_TRUE(journal().intend(lease, place_));
  ASSERT_TRUE(journal().withdraw(lease));
  ASSERT_TRUE(requeue(lease, {.failed_attempt = true}));
  EXPECT_TRUE(left().empty());
  EXPECT_TRUE(ledger().known(place_).value().ids.empty());
}

TEST_P(LedgerConformance, ARetryKeepsItInUse) {
  const Lease lease = open_one();
  ASSERT_TRUE(requeue(lease, {.error = UploadError{Errc::network, "reset", true}, .failed_attempt = true}));
  EXPECT_TRUE(left().empty());
  EXPECT_EQ(ledger().known(place_).value().ids.size(), 1U);
}

TEST_P(LedgerConformance, WhatIsGoneOrCompletedIsStruck) {
  Lease lease = open_one();
  ASSERT_TRUE(journal().record_multipart(lease, {}));
  EXPECT_TRUE(ledger().known(place_).value().ids.empty());
  ASSERT_TRUE(journal().intend(lease, place_));
  ASSERT_TRUE(journal().record_multipart(lease, open_multipart(250)));
  ASSERT_TRUE(finish(lease, completed()));
  EXPECT_TRUE(ledger().known(place_).value().ids.empty());
  EXPECT_TRUE(left().empty());
}

TEST_P(LedgerConformance, AFailureLeavesIt) {
  const Lease lease = open_one();
  ASSERT_TRUE(finish(lease, failed()));
  ASSERT_EQ(left().size(), 1U);
  EXPECT_EQ(left()[0].multipart_id, the_id());
  EXPECT_EQ(ledger().due(10).value().size(), 1U);
}

TEST_P(LedgerConformance, CrashingRepeatedlyLeavesIt) {
  open_one();
  for (int crashes = 1; crashes <= kMaxCrashes + 1; ++crashes) {  // in the last one its object is looked for
    ASSERT_TRUE(left().empty());
    ASSERT_EQ(reclaim(kMaxCrashes), 1);
    if (const auto suspect = queue().next_suspect().value()) {
      ASSERT_EQ(queue().claim({suspect->id}, kLease).value().size(), 1U);
    } else if (crashes <= kMaxCrashes) {
      claim_one();
    }
  }
  ASSERT_EQ(left().size(), 1U);
  EXPECT_EQ(left()[0].multipart_id, the_id());
}

TEST_P(LedgerConformance, AnUploadCanLetGoOfItAndGoOn) {
  const Lease lease = open_one();
  ASSERT_TRUE(journal().abandon(lease));
  ASSERT_EQ(left().size(), 1U);
  ASSERT_TRUE(requeue(lease, {}));
  const auto again = claim_one();
  EXPECT_TRUE(again.journal.multipart_id.empty());
  ASSERT_TRUE(finish(again.lease, completed()));
  EXPECT_EQ(left().size(), 1U);
}

TEST_P(LedgerConformance, OnlyUnderTheLease) {
  const Lease lease = open_one();
  ASSERT_TRUE(requeue(lease, {}));
  const Lease current = claim_one().lease;
  for (const Result<>& refused :
       {journal().intend(lease, place_), journal().withdraw(lease), journal().abandon(lease)}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::lease_lost);
  }
  EXPECT_TRUE(left().empty());
  EXPECT_TRUE(journal().abandon(current));
}

TEST_P(LedgerConformance, PostponedEntriesAreDueLater) {
  const Lease lease = open_one();
  ASSERT_TRUE(finish(lease, failed()));
  const std::int64_t id = left()[0].id;
  ASSERT_TRUE(ledger().postpone(id, 1min, "no answer"));
  EXPECT_TRUE(ledger().due(10).value().empty());
  EXPECT_EQ(left()[0].attempts, 1);
  EXPECT_EQ(left()[0].error, "no answer");
  ASSERT_TRUE(ledger().postpone(id, 2min, std::nullopt));
  EXPECT_EQ(left()[0].attempts, 1);
  EXPECT_EQ(left()[0].error, "no answer");
  EXPECT_EQ(ledger().next_due().value(), 2min);
  clock_.advance(2min);
  EXPECT_EQ(ledger().due(10).value().size(), 1U);
  ASSERT_TRUE(ledger().postpone_bucket(left()[0], 1h));
  EXPECT_TRUE(ledger().due(10).value().empty());
  ASSERT_TRUE(ledger().remove(id));
  EXPECT_TRUE(left().empty());
}

TEST_P(LedgerConformance, WhatWasFoundIsAdoptedUnlessItIsKnown) {
  const Lease lease = open_one();
  ASSERT_TRUE(journal().intend(lease, place_));
  ASSERT_TRUE(journal().intend(lease, place_));
  const auto search = left()[1].multipart_id.empty() ? left()[1] : left()[0];
  EXPECT_FALSE(ledger().adopt(search.id, {the_id(), "lost"}).value()) << "a Create is under way";
  ASSERT_TRUE(journal().withdraw(lease));
  EXPECT_TRUE(ledger().adopt(search.id, {the_id(), "lost"}).value());
  ASSERT_EQ(left().size(), 2U);
  EXPECT_EQ(left()[0].multipart_id, the_id());
  EXPECT_EQ(left()[1].multipart_id, "lost");
  EXPECT_EQ(ledger().due(10).value().size(), 2U);
}

TEST_P(LedgerConformance, AProbeIsAnEntryOfItsOwn) {
  const Lease lease = open_one();
  ASSERT_TRUE(finish(lease, failed()));
  clock_.advance(1h);
  const std::int64_t id = ledger().intend_probe(left()[0]).value();
  ASSERT_EQ(left().size(), 2U);
  EXPECT_EQ(left()[1].id, id);
  EXPECT_EQ(left()[1].place, place_);
  EXPECT_EQ(left()[1].first, clock_.now());
  EXPECT_EQ(left()[1].multipart_id, "");
}

VODLIFT_INSTANTIATE_CONFORMANCE(LedgerConformance);

}  // namespace
}  // namespace vodlift::conformance
