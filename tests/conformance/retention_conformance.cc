// Uploads that have ended are removed with all that belongs to them, and nothing else is.
#include <gmock/gmock.h>

#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class RetentionConformance : public StoreSuite {
 protected:
  UploadId end(const std::string& destination, const UploadEnding& ending = completed(),
               const std::string& callback = "", AccountId account = kAccount) {
    NewUpload upload = new_upload(destination);
    upload.account = account;
    upload.request.callback = callback;
    const UploadId id = insert(upload).id;
    EXPECT_TRUE(finish(claim_one().lease, ending));
    clock_.advance(hours(1));
    return id;
  }

  // The ids of one page.
  std::vector<UploadId> page(UploadState state, EndedPlace& after, int limit = 100) {
    const auto found = retention().ended(state, after, clock_.now(), limit).value();
    if (found.last) after = *found.last;
    std::vector<UploadId> ids;
    for (const Upload& one : found.removable) ids.push_back(one.id);
    return ids;
  }
  std::vector<UploadId> removable(UploadState state = UploadState::completed) {
    EndedPlace begin;
    return page(state, begin);
  }

  std::vector<UploadId> listed(const UploadQuery& query) {
    std::vector<UploadId> ids;
    for (const Upload& one : uploads().find(kAccount, query).value()) ids.push_back(one.id);
    return ids;
  }
  std::vector<UploadId> listed() { return listed(UploadQuery{}); }

  // The first callback that is due has this outcome.
  void deliver(CallbackState next, int http_status) {
    const auto claimed = claim_callbacks(1);
    ASSERT_EQ(claimed.size(), 1U);
    const CallbackAttempt attempt{milliseconds(12), http_status, "", next, seconds(60)};
    EXPECT_TRUE(callbacks().record({{claimed[0], attempt}}).value().empty());
  }
};

TEST_P(RetentionConformance, WalksByTheTimeOfTheEnd) {
  const UploadId late = insert("late");
  const Lease lease = claim_one().lease;
  const UploadId second = end("b");
  const UploadId third = end("c");
  end("d", failed());
  insert("waits");
  const WallTime until = clock_.now() - hours(1);
  ASSERT_TRUE(finish(lease, completed()));
  EXPECT_THAT(removable(), ElementsAre(second, third, late));
  EXPECT_EQ(retention().ended(UploadState::completed, {}, until, 100)->removable.size(), 2U);
  EXPECT_EQ(removable(UploadState::failed).size(), 1U);
  EXPECT_THAT(removable(UploadState::cancelled), IsEmpty());

  EndedPlace after;
  EXPECT_THAT(page(UploadState::completed, after, 1), ElementsAre(second));
  EXPECT_THAT(page(UploadState::completed, after, 1), ElementsAre(third));
  EXPECT_THAT(page(UploadState::completed, after, 5), ElementsAre(late));
  EXPECT_FALSE(retention().ended(UploadState::completed, after, clock_.now(), 5)->last);
}

TEST_P(RetentionConformance, EndsOfTheSameMomentAreAllSeen) {
  std::vector<UploadId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(insert(std::to_string(i)));
  for (const ClaimedUpload& one : claim()) ASSERT_TRUE(finish(one.lease, completed()));
  EndedPlace after;
  std::vector<UploadId> seen;
  for (int i = 0; i < 5; ++i) seen.push_back(page(UploadState::completed, after, 1).at(0));
  EXPECT_EQ(seen, ids);
}

TEST_P(RetentionConformance, ARemovedUploadIsUnknown) {
  const UploadId gone = end("a", failed());
  const UploadId stays = end("b");
  EXPECT_FALSE(attempt_history().attempts_of(gone)->empty());
  EXPECT_EQ(retention().remove({gone, 4711}).value(), 1);
  EXPECT_EQ(retention().remove({gone}).value(), 0);
  EXPECT_THAT(listed(), ElementsAre(stays));
  EXPECT_THAT(listed({.ids = {gone}}), IsEmpty());
  EXPECT_TRUE(attempt_history().attempts_of(gone)->empty());
  EXPECT_FALSE(uploads().change({.account = kAccount, .id = gone, .signature = {}}));
  reopen();
  EXPECT_THAT(listed(), ElementsAre(stays));
}

TEST_P(RetentionConformance, WhatHasNotEndedStays) {
  const UploadId queued = insert("a");
  EXPECT_EQ(retention().remove({queued}).value(), 0);
  const Lease lease = claim_one().lease;
  EXPECT_EQ(retention().remove({queued}).value(), 0);
  EXPECT_TRUE(finish(lease, completed()));
  EXPECT_EQ(retention().remove({queued}).value(), 1);
}

TEST_P(RetentionConformance, ACallbackEndsBeforeItsUploadIsRemoved) {
  const UploadId id = end("a", completed(), "http://www.example.com/done");
  const auto kept = [&] { return removable().empty() && retention().remove({id}).value() == 0; };
  EXPECT_TRUE(kept());
  deliver(CallbackState::pending, 500);
  EXPECT_TRUE(kept()) << "it is tried again";
  clock_.advance(seconds(60));
  deliver(CallbackState::delivered, 200);
  const std::int64_t callback = callback_history().find_of(id)->callback.id;
  ASSERT_TRUE(callback_history().send_again(callback));
  EXPECT_TRUE(kept()) << "it is sent again";
  deliver(CallbackState::failed, 500);
  EXPECT_THAT(removable(), ElementsAre(id));
  EXPECT_EQ(retention().remove({id}).value(), 1);
  EXPECT_FALSE(callback_history().find(callback));
  EXPECT_FALSE(callback_history().find_of(id));
  EXPECT_FALSE(callback_history().send_again(callback));
}

TEST_P(RetentionConformance, OthersKeepTheirPlaces) {
  const UploadId kept = end("a", completed(), "http://www.example.com/done");
  const UploadId gone = end("b");
  EXPECT_EQ(retention().remove({gone}).value(), 1);
  deliver(CallbackState::delivered, 200);
  EXPECT_EQ(look(kept).callback_state, CallbackState::delivered);
  EXPECT_EQ(callback_history().find_of(kept)->attempts.size(), 1U);
}

TEST_P(RetentionConformance, NoIdIsGivenAgain) {
  const UploadId first = end("a");
  const UploadId newest = end("b");
  ASSERT_EQ(retention().remove({newest}).value(), 1);
  reopen();
  const UploadId next = insert("c");
  EXPECT_GT(next, newest);
  ASSERT_TRUE(finish(claim_one().lease, completed()));
  ASSERT_EQ(retention().remove({first, next}).value(), 2) << "none is left";
  reopen();
  EXPECT_GT(insert("d"), next);
}

// A repeat gets the id of an upload that is gone rather than a second upload.
TEST_P(RetentionConformance, ARepeatMakesNoSecondUpload) {
  NewUpload upload = new_upload("a");
  upload.key_id = 7;
  upload.signature = {to_unix_seconds(clock_.now()), std::string(32, 'm')};
  const UploadId id = insert(upload).id;
  ASSERT_TRUE(finish(claim_one().lease, completed()));
  ASSERT_EQ(retention().remove({id}).value(), 1);
  const InsertOutcome again = insert(upload);
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.id, id);
  EXPECT_THAT(listed(), IsEmpty());
}

TEST_P(RetentionConformance, CountsAreOfWhatIsLeft) {
  const UploadId gone = end("a");
  end("b", completed(700));
  end("c", failed());
  ASSERT_EQ(retention().remove({gone}).value(), 1);
  const std::vector<UploadCount> left = {{kAccount, UploadState::completed, 1, 700},
                                         {kAccount, UploadState::failed, 1, 1000}};
  EXPECT_THAT(uploads().counts().value(), testing::UnorderedElementsAreArray(left));
  reopen();
  EXPECT_THAT(uploads().counts().value(), testing::UnorderedElementsAreArray(left));
}

TEST_P(RetentionConformance, StatisticsHaveEveryEndOnce) {
  clock_.advance(slot_begin(Resolution::day, clock_.now()) + hours(25) - clock_.now());
  const auto ended = [&] {
    Collected nothing;
    EXPECT_TRUE(statistics().add(nothing));
    const StatisticsSlot day = statistics().series({kAccount, Resolution::day, {}})->back();
    return std::pair(day.completed, day.failed);
  };
  const UploadId first = end("a");
  ASSERT_EQ(retention().remove({first}).value(), 1);
  EXPECT_EQ(ended(), std::pair(1L, 0L)) << "removed before the statistics had it";
  const UploadId second = end("b");
  const UploadId third = end("c", failed());
  EXPECT_EQ(ended(), std::pair(2L, 1L));
  ASSERT_EQ(retention().remove({second, third}).value(), 2);
  EXPECT_EQ(ended(), std::pair(2L, 1L));
  end("d");
  EXPECT_EQ(ended(), std::pair(3L, 1L));
}

TEST_P(RetentionConformance, WhatMayBeOpenAtAStoreStaysInTheLedger) {
  const UploadId id = insert("a");
  const Lease lease = claim_one().lease;
  ASSERT_TRUE(journal().intend(lease, {"https://s3.example", "my_bucket", "a"}));
  ASSERT_TRUE(finish(lease, failed()));
  ASSERT_EQ(retention().remove({id}).value(), 1);
  EXPECT_EQ(ledger().abandoned(kAccount, 10)->size(), 1U);
}

// Lists that are kept in memory (a narrowed key, a large offset) have no gaps.
TEST_P(RetentionConformance, ListsAreFullAfterwards) {
  std::vector<UploadId> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(end("films/" + std::to_string(i)));
  UploadQuery query;
  query.limit = 2;
  query.scope.buckets = {"my_bucket"};
  EXPECT_THAT(listed(query), ElementsAre(ids[5], ids[4]));
  ASSERT_EQ(retention().remove({ids[4], ids[2]}).value(), 2);
  EXPECT_THAT(listed(query), ElementsAre(ids[5], ids[3]));
  query.offset = 2;
  EXPECT_THAT(listed(query), ElementsAre(ids[1], ids[0]));
}

VODLIFT_INSTANTIATE_CONFORMANCE(RetentionConformance);

}  // namespace
}  // namespace vodlift::conformance
