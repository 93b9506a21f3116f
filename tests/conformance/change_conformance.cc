// Changes that a client asks for: what waits changes at once, what runs is called back from its worker.
#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using std::chrono::seconds;

class ChangeConformance : public StoreSuite {
 protected:
  Result<ChangeOutcome> change(UploadId id, UploadChange change, AccountId account = kAccount,
                               const std::string& mac = "") {
    ChangeRequest request;
    request.account = account;
    request.id = id;
    request.change = change;
    request.key_id = 1;
    request.signature.mac = mac;
    return uploads().change(request);
  }
  UploadState changed(UploadId id, UploadChange wanted) {
    const auto outcome = change(id, wanted);
    EXPECT_TRUE(outcome) << outcome.error().message;
    if (!outcome) return UploadState::failed;
    EXPECT_FALSE(outcome->refusal);
    return outcome->upload.state;
  }
  Upload prioritized(UploadId id, int priority) {
    const auto outcome = uploads().change(
        {.account = kAccount, .id = id, .change = UploadChange::set_priority, .priority = priority, .signature = {}});
    EXPECT_TRUE(outcome) << outcome.error().message;
    EXPECT_FALSE(outcome->refusal);
    return outcome->upload;
  }
  void expect_refused(UploadId id, UploadChange wanted, ChangeRefusal refusal) {
    const UploadState before = look(id).state;
    const auto outcome = change(id, wanted);
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_EQ(outcome->refusal, refusal);
    EXPECT_EQ(outcome->upload.id, id);
    EXPECT_EQ(outcome->upload.state, before);
    EXPECT_EQ(look(id).state, before);
  }
  UploadId insert_with_callback(const std::string& destination) {
    NewUpload upload = new_upload(destination);
    upload.request.callback = "http://www.example.com/";
    return insert(std::move(upload)).id;
  }
};

TEST_P(ChangeConformance, AQueuedUploadIsCancelledWithItsCallback) {
  const UploadId id = insert_with_callback("a");
  EXPECT_EQ(changed(id, UploadChange::cancel), UploadState::cancelled);
  EXPECT_EQ(look(id).finished, clock_.now());
  EXPECT_TRUE(claim().empty());
  const auto callbacks = claim_callbacks();
  ASSERT_EQ(callbacks.size(), 1U);
  EXPECT_EQ(callbacks[0].body, std::to_string(id) + " cancelled pending");
  for (const auto wanted : {UploadChange::cancel, UploadChange::pause, UploadChange::resume}) {
    expect_refused(id, wanted, ChangeRefusal::has_ended);
  }
  expect_refused(id, UploadChange::retry, ChangeRefusal::ended_just_now);
  reopen();
  EXPECT_EQ(look(id).state, UploadState::cancelled);
}

TEST_P(ChangeConformance, APausedUploadWaitsUntilItIsResumed) {
  const UploadId id = insert("a");
  EXPECT_EQ(changed(id, UploadChange::pause), UploadState::paused);
  EXPECT_TRUE(claim().empty());
  expect_refused(id, UploadChange::pause, ChangeRefusal::is_paused);
  expect_refused(id, UploadChange::retry, ChangeRefusal::is_paused);
  reopen();
  EXPECT_EQ(changed(id, UploadChange::resume), UploadState::queued);
  expect_refused(id, UploadChange::resume, ChangeRefusal::is_not_paused);
  EXPECT_EQ(claim_ids(), (std::vector<UploadId>{id}));
}

TEST_P(ChangeConformance, ACancelledUploadLetsTheNextOneToItsObjectGo) {
  const UploadId first = insert("a");
  const UploadId second = insert("a");
  const UploadId third = insert("a");
  EXPECT_EQ(changed(second, UploadChange::cancel), UploadState::cancelled);
  EXPECT_EQ(claim_ids(), (std::vector<UploadId>{first})) << "the third waits for the first now";
  EXPECT_EQ(changed(first, UploadChange::cancel), UploadState::uploading);
  EXPECT_TRUE(claim().empty());
  ASSERT_TRUE(requeue({first, 1}, {}));
  EXPECT_EQ(claim_ids(), (std::vector<UploadId>{third}));
}

TEST_P(ChangeConformance, ARunningUploadIsCalledBackAndThenCancelled) {
  std::vector<UploadId> recalled;
  const auto subscription =
      feed().subscribe(Change::Kind::upload_recalled, [&](const Change& change) { recalled.push_back(change.upload); });
  const UploadId id = insert_with_callback("a");
  const Lease lease = claim_one().lease;
  EXPECT_FALSE(queue().renew({lease}, kLease).value().at(0).recalled);
  EXPECT_EQ(changed(id, UploadChange::cancel), UploadState::uploading);
  EXPECT_EQ(recalled, std::vector<UploadId>{id});
  EXPECT_TRUE(queue().renew({lease}, kLease).value().at(0).recalled);
  expect_refused(id, UploadChange::pause, ChangeRefusal::is_cancelling);

  ASSERT_TRUE(requeue(lease, {}));
  EXPECT_EQ(look(id).state, UploadState::cancelled);
  EXPECT_EQ(claim_callbacks().size(), 1U);
  EXPECT_EQ(finish(lease, completed()).error().code, Errc::lease_lost) << "one end";
}

TEST_P(ChangeConformance, ABucketsUploadsThatWaitAreWokenTogether) {
  NewUpload elsewhere = new_upload("a");
  elsewhere.request.bucket = "another";
  const UploadId other = insert(std::move(elsewhere)).id;
  const UploadId first = insert("a");
  const UploadId second = insert("b");
  const UploadId paused = insert("c");
  for (const ClaimedUpload& one : claim()) {
    ASSERT_TRUE(requeue(one.lease, {.delay = seconds(600), .failed_attempt = false}));
  }
  EXPECT_EQ(changed(paused, UploadChange::pause), UploadState::paused);
  EXPECT_TRUE(claim().empty());
  const std::string bucket = look(first).request.bucket;
  EXPECT_EQ(uploads().wake(kAccount + 1, bucket).value(), 0);
  EXPECT_EQ(uploads().wake(kAccount, bucket).value(), 2);
  EXPECT_EQ(uploads().wake(kAccount, bucket).value(), 0);
  EXPECT_EQ(claim_ids(), (std::vector<UploadId>{first, second}));
  EXPECT_EQ(look(other).state, UploadState::queued);
  EXPECT_EQ(look(paused).state, UploadState::paused);
}

TEST_P(ChangeConformance, ACancelledUploadKeepsTheErrorOfItsLastAttempt) {
  const UploadId id = insert_with_callback("a");
  ASSERT_TRUE(
      requeue(claim_one().lease, {.error = UploadError{Errc::s3_transient, "503", true}, .failed_attempt = true}));
  const Lease second = claim_one().lease;
  EXPECT_EQ(changed(id, UploadChange::cancel), UploadState::uploading);
  ASSERT_TRUE(requeue(second, {}));
  const Upload ended = look(id);
  EXPECT_EQ(ended.state, UploadState::cancelled);
  ASSERT_TRUE(ended.error);
  EXPECT_EQ(ended.error->code, Errc::s3_transient);
  EXPECT_EQ(ended.error->message, "503");
}

TEST_P(ChangeConformance, ACompletedUploadKeepsNoErrorOfEarlierAttempts) {
  const UploadId id = insert("a");
  ASSERT_TRUE(
      requeue(claim_one().lease, {.error = UploadError{Errc::s3_transient, "503", true}, .failed_attempt = true}));
  ASSERT_TRUE(finish(claim_one().lease, completed()));
  EXPECT_FALSE(look(id).error);
}

TEST_P(ChangeConformance, WhatIsWantedComesBeforeTheLimitOfCrashes) {
  for (const auto& [wanted, state] :
       {std::pair{UploadChange::cancel, UploadState::cancelled}, std::pair{UploadChange::pause, UploadState::paused}}) {
    const UploadId id = insert("a");
    claim_one();
    EXPECT_EQ(changed(id, wanted), UploadState::uploading);
    ASSERT_EQ(reclaim(1), 1);
    EXPECT_EQ(look(id).state, state);
  }
}

TEST_P(ChangeConformance, WhatIsDoneBeforeTheCancellationArrivesStaysDone) {
  const UploadId id = insert_with_callback("a");
  const Lease lease = claim_one().lease;
  EXPECT_EQ(changed(id, UploadChange::cancel), UploadState::uploading);
  ASSERT_TRUE(finish(lease, completed()));
  EXPECT_EQ(look(id).state, UploadState::completed);
  EXPECT_EQ(claim_callbacks().size(), 1U);
  expect_refused(id, UploadChange::cancel, ChangeRefusal::has_ended);
}

TEST_P(ChangeConformance, ARunningUploadIsPausedAndKeepsItsParts) {
  const UploadId id = insert("a");
  Lease lease = claim_one().lease;
  ASSERT_TRUE(journal().record_multipart(lease, open_multipart(1000)));
  ASSERT_TRUE(journal().record_part(lease, part(1, 100)));
  EXPECT_EQ(changed(id, UploadChange::pause), UploadState::uploading);
  ASSERT_TRUE(requeue(lease, {}));
  EXPECT_EQ(look(id).state, UploadState::paused);
  EXPECT_EQ(changed(id, UploadChange::resume), UploadState::queued);
  const ClaimedUpload again = claim_one();
  EXPECT_EQ(again.journal.parts.size(), 1U);
  EXPECT_EQ(again.upload.attempts, 1) << "a pause is an interruption";
  EXPECT_FALSE(queue().renew({again.lease}, kLease).value().at(0).recalled) << "what was wanted has been done";
}

TEST_P(ChangeConformance, APauseCanBeTakenBackBeforeTheWorkerLetsGo) {
  const UploadId id = insert("a");
  const Lease lease = claim_one().lease;
  EXPECT_EQ(changed(id, UploadChange::pause), UploadState::uploading);
  EXPECT_EQ(changed(id, UploadChange::resume), UploadState::uploading);
  ASSERT_TRUE(requeue(lease, {}));
  EXPECT_EQ(look(id).state, UploadState::queued);
}

TEST_P(ChangeConformance, ADeadWorkersUploadBecomesWhatWasWanted) {
  const UploadId cancelled = insert_with_callback("a");
  const UploadId paused = insert("b");
  ASSERT_EQ(claim(2).size(), 2U);
  EXPECT_EQ(changed(cancelled, UploadChange::cancel), UploadState::uploading);
  EXPECT_EQ(changed(paused, UploadChange::pause), UploadState::uploading);
  reopen();
  EXPECT_EQ(reclaim(kMaxCrashes), 2);
  EXPECT_EQ(look(cancelled).state, UploadState::cancelled);
  EXPECT_EQ(look(paused).state, UploadState::paused);
  EXPECT_EQ(claim_callbacks().size(), 1U);
}

TEST_P(ChangeConformance, ARetryRunsNowWhatWaitsForLater) {
  const UploadId id = insert("a");
  const UploadError error{Errc::s3_throttled, "503 SlowDown", true};
  ASSERT_TRUE(requeue(claim_one().lease, {.delay = seconds(3600), .error = error, .failed_attempt = true}));
  EXPECT_TRUE(claim().empty());
  EXPECT_EQ(changed(id, UploadChange::retry), UploadState::queued);
  EXPECT_EQ(look(id).next_attempt, std::nullopt);
  const ClaimedUpload again = claim_one();
  EXPECT_EQ(again.upload.attempts, 2);
  expect_refused(id, UploadChange::retry, ChangeRefusal::is_running);
  ASSERT_TRUE(finish(again.lease, completed()));
  expect_refused(id, UploadChange::retry, ChangeRefusal::is_completed);
}

TEST_P(ChangeConformance, TheSameSignedBytesChangeOnce) {
  const std::string mac(32, 'm');
  const UploadId id = insert("a");
  ASSERT_TRUE(change(id, UploadChange::pause, kAccount, mac));
  EXPECT_EQ(changed(id, UploadChange::resume), UploadState::queued);
  reopen();
  const auto repeated = change(id, UploadChange::pause, kAccount, mac);
  ASSERT_TRUE(repeated) << repeated.error().message;
  EXPECT_EQ(repeated->upload.id, id);
  EXPECT_EQ(look(id).state, UploadState::queued) << "the repeat changed nothing";
  EXPECT_EQ(uploads().find_repeat(1, {0, mac}).value(), id);
}

TEST_P(ChangeConformance, APriorityChangesTheOrderOfWhatWaits) {
  const UploadId first = insert("a");
  const UploadId second = insert("b");
  const UploadId paused = insert("c");
  EXPECT_EQ(changed(paused, UploadChange::pause), UploadState::paused);
  EXPECT_EQ(prioritized(second, 9).request.priority, 9);
  EXPECT_EQ(prioritized(paused, 0).request.priority, 0);
  EXPECT_EQ(look(paused).state, UploadState::paused);
  reopen();
  EXPECT_EQ(look(second).request.priority, 9);
  EXPECT_EQ(changed(paused, UploadChange::resume), UploadState::queued);
  EXPECT_EQ(claim_ids(), (std::vector<UploadId>{second, first, paused}));
}

TEST_P(ChangeConformance, APriorityOfARunningUploadCountsFromItsNextTurnOn) {
  const UploadId first = insert("a");
  insert("b");
  const Lease lease = claim_one().lease;
  EXPECT_EQ(prioritized(first, 9).state, UploadState::uploading);
  EXPECT_FALSE(queue().renew({lease}, kLease).value().at(0).recalled) << "nothing takes it from its worker";
  ASSERT_TRUE(requeue(lease, {}));
  const ClaimedUpload again = claim_one();
  EXPECT_EQ(again.upload.id, first);
  EXPECT_EQ(again.upload.request.priority, 9);
  ASSERT_TRUE(finish(again.lease, completed()));
  expect_refused(first, UploadChange::set_priority, ChangeRefusal::has_ended);
  EXPECT_EQ(look(first).request.priority, 9);
}

TEST_P(ChangeConformance, AnUploadThatIsBeingCancelledGetsNoPriority) {
  const UploadId id = insert("a");
  claim_one();
  EXPECT_EQ(changed(id, UploadChange::cancel), UploadState::uploading);
  expect_refused(id, UploadChange::set_priority, ChangeRefusal::is_cancelling);
  EXPECT_EQ(look(id).request.priority, 5);
}

TEST_P(ChangeConformance, AForeignUploadIsAsAbsent) {
  const UploadId id = insert("a");
  const auto foreign = change(id, UploadChange::cancel, 159);
  const auto absent = change(id + 1, UploadChange::cancel);
  ASSERT_FALSE(foreign);
  ASSERT_FALSE(absent);
  EXPECT_EQ(foreign.error().code, Errc::upload_not_found);
  EXPECT_EQ(foreign.error().message, absent.error().message);
  EXPECT_EQ(look(id).state, UploadState::queued);
}

TEST_P(ChangeConformance, AnUploadOutOfScopeIsAsAbsentAlsoForARepeat) {
  const UploadId id = insert("a");
  ChangeRequest request;
  request.account = kAccount;
  request.id = id;
  request.key_id = 1;
  request.signature.mac = std::string(32, 'm');
  request.change = UploadChange::pause;
  request.scope.path_prefix = "sestore4/jb/films";
  EXPECT_EQ(uploads().change(request).error().code, Errc::upload_not_found);
  request.scope.path_prefix = "sestore4/jb";
  request.scope.buckets = {"another"};
  EXPECT_EQ(uploads().change(request).error().code, Errc::upload_not_found);
  EXPECT_EQ(look(id).state, UploadState::queued);
  request.scope.buckets = {"my_bucket"};
  ASSERT_TRUE(uploads().change(request));
  request.scope.buckets = {"another"};
  EXPECT_EQ(uploads().change(request).error().code, Errc::upload_not_found);
}

TEST_P(ChangeConformance, KeepsWhatARetryRepeats) {
  NewUpload again = new_upload("a");
  again.retry_of = 7;
  again.request.options.content_type = "video/mp4";
  again.request.options.tags = {{"Show", "x"}};
  again.request.options.overwrite = Overwrite::keep;
  const UploadOptions options = again.request.options;
  const UploadId id = insert(std::move(again)).id;
  reopen();
  EXPECT_EQ(look(id).retry_of, 7);
  EXPECT_EQ(look(id).request.options, options);
}

TEST_P(ChangeConformance, AnUploadNamesTheNewestThatRepeatsIt) {
  const UploadId first = insert(new_upload("a")).id;
  const UploadId other = insert(new_upload("b")).id;
  EXPECT_EQ(look(first).retried_as, 0);
  const auto repeat = [&](AccountId account) {
    NewUpload again = new_upload("a");
    again.account = account;
    again.retry_of = first;
    return insert(std::move(again)).id;
  };
  repeat(kAccount);
  const UploadId newest = repeat(kAccount);
  repeat(kAccount + 1);
  reopen();
  EXPECT_EQ(look(first).retried_as, newest);
  EXPECT_EQ(look(newest).retry_of, first);
  EXPECT_EQ(look(other).retried_as, 0);
}

VODLIFT_INSTANTIATE_CONFORMANCE(ChangeConformance);

}  // namespace
}  // namespace vodlift::conformance
