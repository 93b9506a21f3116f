// Leases: only the holder of the current fence changes an upload; what a dead worker held is taken back.
#include <atomic>
#include <future>

#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class LeaseConformance : public StoreSuite {
 protected:
  void expect_lost(const Result<>& outcome) {
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::lease_lost);
    EXPECT_FALSE(outcome.error().message.empty());
  }
};

TEST_P(LeaseConformance, AnOldFenceChangesNothing) {
  const UploadId id = insert("a");
  const Lease old = claim_one().lease;
  clock_.advance(kLease);
  ASSERT_EQ(queue().rescue(kMaxCrashes).value(), 1);
  const Lease current = claim_one().lease;
  EXPECT_GT(current.fence, old.fence);

  expect_lost(finish(old, completed()));
  expect_lost(requeue(old, {.failed_attempt = true}));
  expect_lost(journal().record_multipart(old, open_multipart(1000)));
  expect_lost(journal().record_part(old, part(1, 100)));
  EXPECT_TRUE(queue().renew({old}, kLease).value().empty());
  const Upload untouched = look(id);
  EXPECT_EQ(untouched.state, UploadState::uploading);
  EXPECT_EQ(untouched.bytes_sent, 0);
  EXPECT_TRUE(finish(current, completed()));
}

TEST_P(LeaseConformance, NothingLeavesAnEnd) {
  const UploadId id = insert("a");
  const Lease lease = claim_one().lease;
  ASSERT_TRUE(finish(lease, completed()));
  expect_lost(finish(lease, failed()));
  expect_lost(requeue(lease, {}));
  EXPECT_TRUE(queue().renew({lease}, kLease).value().empty());
  EXPECT_EQ(look(id).state, UploadState::completed);
}

TEST_P(LeaseConformance, WhoDoesNotWaitForAnEndHearsOfIt) {
  const UploadId id = insert("a");
  const UploadId successor = insert("a");
  const Lease lease = claim_one().lease;
  std::atomic<int> woken = 0;
  std::promise<Result<>> first;
  std::promise<Result<>> second;
  auto subscription = feed().subscribe(Change::Kind::uploads_due, [&](const Change&) { ++woken; });
  queue().finish(lease, completed(), [&](Result<> outcome) { first.set_value(std::move(outcome)); });
  queue().finish(lease, failed(), [&](Result<> outcome) { second.set_value(std::move(outcome)); });
  EXPECT_TRUE(first.get_future().get());
  expect_lost(second.get_future().get());
  subscription.reset();
  reopen();
  EXPECT_EQ(look(id).state, UploadState::completed);
  EXPECT_EQ(woken, 1) << "for the one that waited";
  EXPECT_EQ(claim_one().upload.id, successor);
}

TEST_P(LeaseConformance, AQueuedUploadHasNoLease) {
  insert("a");
  const Lease lease = claim_one().lease;
  ASSERT_TRUE(requeue(lease, {.failed_attempt = true}));
  expect_lost(finish(lease, completed()));
  EXPECT_TRUE(queue().renew({lease}, kLease).value().empty());
}

TEST_P(LeaseConformance, RenewingKeepsItFromTheRescuer) {
  insert("a");
  insert("b");
  const auto running = claim(2);
  ASSERT_EQ(running.size(), 2U);
  clock_.advance(kLease - milliseconds(1));
  const Lease unknown{999, 1};
  const auto held = queue().renew({running[0].lease, unknown}, kLease).value();
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(held[0].lease.id, running[0].lease.id);
  clock_.advance(milliseconds(1));
  EXPECT_EQ(queue().rescue(kMaxCrashes).value(), 1);
  EXPECT_EQ(look(running[0].lease.id).state, UploadState::uploading);
  EXPECT_EQ(look(running[1].lease.id).state, UploadState::queued);
}

TEST_P(LeaseConformance, RescueLeavesLiveLeasesUnlessAllAreMeant) {
  const UploadId id = insert("a");
  claim_one();
  EXPECT_EQ(queue().rescue(kMaxCrashes).value(), 0);
  reopen();
  EXPECT_EQ(reclaim(kMaxCrashes), 1);
  EXPECT_EQ(look(id).state, UploadState::queued);
  EXPECT_EQ(claim_ids(), (std::vector<UploadId>{id})) << "due at once";
}

TEST_P(LeaseConformance, ARescuedUploadKeepsItsPlace) {
  const UploadId first = insert("a");
  claim_one();
  clock_.advance(seconds(1));
  const UploadId second = insert("b");
  clock_.advance(kLease);
  ASSERT_EQ(queue().rescue(kMaxCrashes).value(), 1);
  EXPECT_EQ(claim_ids(), (std::vector<UploadId>{first, second}));
}

TEST_P(LeaseConformance, RescuesManyAtOnce) {
  for (int i = 0; i < 250; ++i) insert(std::to_string(i));
  ASSERT_EQ(claim(250).size(), 250U);
  EXPECT_EQ(reclaim(kMaxCrashes), 250);
  EXPECT_EQ(claim(250).size(), 250U);
}

TEST_P(LeaseConformance, AttemptsCountWhatWasNoInterruption) {
  const UploadId id = insert("a");
  EXPECT_EQ(claim_one().upload.attempts, 1);
  clock_.advance(kLease);
  ASSERT_EQ(queue().rescue(kMaxCrashes).value(), 1);
  EXPECT_EQ(look(id).attempts, 1) << "status never goes backwards";

  auto again = claim_one();
  EXPECT_EQ(again.upload.attempts, 1) << "a crash is an interruption: the attempt continues";
  ASSERT_TRUE(requeue(again.lease, {}));
  again = claim_one();
  EXPECT_EQ(again.upload.attempts, 1) << "so is a shutdown";
  ASSERT_TRUE(requeue(again.lease, {.error = UploadError{Errc::network, "reset", true}, .failed_attempt = true}));
  EXPECT_EQ(look(id).attempts, 1);
  again = claim_one();
  EXPECT_EQ(again.upload.attempts, 2);
  ASSERT_TRUE(finish(again.lease, completed()));
  EXPECT_EQ(look(id).attempts, 2);
}

TEST_P(LeaseConformance, WhatGoesBackToItsOldPlaceDoesNotWaitForAClockThatWasSetBack) {
  const UploadId id = insert("a");
  clock_.advance(-seconds(7200));
  ASSERT_TRUE(requeue(claim_one().lease, {}));
  EXPECT_EQ(claim_ids(), (std::vector<UploadId>{id}));
}

TEST_P(LeaseConformance, RequeueWaitsForItsTime) {
  const UploadId id = insert("a");
  const WallTime started = clock_.now();
  const WallTime again_at = started + seconds(30);
  ASSERT_TRUE(requeue(
      claim_one().lease,
      {.delay = seconds(30), .error = UploadError{Errc::s3_throttled, "503 SlowDown", true}, .failed_attempt = true}));

  reopen();
  Upload waiting = look(id);
  EXPECT_EQ(waiting.state, UploadState::queued);
  EXPECT_EQ(waiting.next_attempt, again_at);
  EXPECT_EQ(waiting.started, started);
  ASSERT_TRUE(waiting.error);
  EXPECT_EQ(waiting.error->code, Errc::s3_throttled);
  EXPECT_EQ(waiting.error->message, "503 SlowDown");
  EXPECT_TRUE(waiting.error->retryable);

  clock_.advance(seconds(30) - milliseconds(1));
  EXPECT_TRUE(claim().empty());
  clock_.advance(milliseconds(1));
  const auto claimed = claim_one();
  EXPECT_EQ(claimed.upload.id, id);
  EXPECT_EQ(claimed.upload.next_attempt, std::nullopt);
  EXPECT_EQ(claimed.upload.started, started) << "the first start counts";
}

TEST_P(LeaseConformance, WhatWasClaimedAndGivenBackUnbegunHasNotStarted) {
  const UploadId id = insert("a");
  ASSERT_TRUE(requeue(claim_one().lease, {}));
  EXPECT_EQ(look(id).started, std::nullopt);
  EXPECT_EQ(look(id).attempts, 1);
  clock_.advance(seconds(60));
  const WallTime started = clock_.now();
  EXPECT_EQ(claim_one().upload.started, started);
}

TEST_P(LeaseConformance, WhatHasSentBytesOrWaitsForItsSourceHasStarted) {
  const UploadId sent = insert("a");
  const WallTime started = clock_.now();
  const auto claimed = claim_one();
  ASSERT_TRUE(journal().intend(claimed.lease, {"http://s3", "videos", "a"}));
  ASSERT_TRUE(journal().record_multipart(claimed.lease, {"mp", "http://s3", 10, {}, ChecksumMode::crc32c, {}, {}}));
  ASSERT_TRUE(journal().record_part(claimed.lease, {1, 10, "e", 1, ""}));
  ASSERT_TRUE(requeue(claimed.lease, {}));
  EXPECT_EQ(look(sent).started, started);
  clock_.advance(seconds(60));
  ASSERT_TRUE(requeue(claim_one().lease, {}));
  EXPECT_EQ(look(sent).started, started) << "a later attempt that is given back";

  const UploadId busy = insert("b");
  const WallTime first = clock_.now();
  const auto waits = queue().claim({busy}, kLease).value();
  ASSERT_EQ(waits.size(), 1U);
  ASSERT_TRUE(requeue(waits[0].lease, {.delay = seconds(5), .error = UploadError{Errc::source_busy, "busy", true}}));
  EXPECT_EQ(look(busy).started, first);
}

TEST_P(LeaseConformance, ARetryInTheFutureHoldsNobodyElseUp) {
  insert("a", 9);
  ASSERT_TRUE(requeue(claim_one().lease, {.delay = seconds(30), .failed_attempt = true}));
  const UploadId other = insert("b", 0);
  EXPECT_EQ(claim_ids(), (std::vector<UploadId>{other}));
}

TEST_P(LeaseConformance, FinishRefusesWhatIsNoEnd) {
  const UploadId id = insert("a");
  const Lease lease = claim_one().lease;
  for (const UploadState state : {UploadState::queued, UploadState::paused, UploadState::uploading}) {
    UploadEnding ending;
    ending.state = state;
    const auto outcome = finish(lease, ending);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::internal);
  }
  UploadEnding no_reason = failed();
  no_reason.error.reset();
  EXPECT_EQ(finish(lease, no_reason).error().code, Errc::internal);
  EXPECT_EQ(look(id).state, UploadState::uploading);
  EXPECT_TRUE(finish(lease, completed())) << "the lease is still good";
}

TEST_P(LeaseConformance, KeepsHowItEnded) {
  const UploadId good = insert("a");
  const UploadId bad = insert("b");
  const UploadId stopped = insert("c");
  const auto running = claim(3);
  ASSERT_EQ(running.size(), 3U);
  clock_.advance(seconds(5));
  ASSERT_TRUE(finish(running[0].lease, completed(1234)));
  ASSERT_TRUE(finish(running[1].lease, failed(Errc::s3_no_such_bucket)));
  UploadEnding cancelled;
  cancelled.state = UploadState::cancelled;
  ASSERT_TRUE(finish(running[2].lease, cancelled));
  reopen();

  const Upload completed_one = look(good);
  EXPECT_EQ(completed_one.state, UploadState::completed);
  EXPECT_EQ(completed_one.size, 1234);
  EXPECT_EQ(completed_one.bytes_sent, 1234);
  EXPECT_EQ(completed_one.percent(), 100);
  EXPECT_EQ(completed_one.acl_applied, Acl::private_acl);
  EXPECT_EQ(completed_one.verification.etag, "etag");
  EXPECT_EQ(completed_one.verification.checksum, "crc32c:AAAAAA==");
  EXPECT_EQ(completed_one.verification.version_id, "v1");
  EXPECT_EQ(completed_one.finished, clock_.now());
  EXPECT_FALSE(completed_one.error);

  const Upload failed_one = look(bad);
  EXPECT_EQ(failed_one.state, UploadState::failed);
  ASSERT_TRUE(failed_one.error);
  EXPECT_EQ(failed_one.error->code, Errc::s3_no_such_bucket);
  EXPECT_FALSE(failed_one.error->retryable);
  EXPECT_EQ(failed_one.size, 1000);
  EXPECT_EQ(look(stopped).state, UploadState::cancelled);
}

TEST_P(LeaseConformance, SuccessForgetsTheErrorOfEarlierAttempts) {
  const UploadId id = insert("a");
  ASSERT_TRUE(requeue(claim_one().lease, {.error = UploadError{Errc::network, "reset", true}, .failed_attempt = true}));
  const auto claimed = claim_one();
  EXPECT_TRUE(claimed.upload.error) << "shown while the upload is retried";
  ASSERT_TRUE(finish(claimed.lease, completed()));
  EXPECT_FALSE(look(id).error);
}

TEST_P(LeaseConformance, ForeignTextInMessagesIsTamed) {
  const UploadId id = insert("a");
  UploadEnding ending = failed();
  ending.error->message = "bad \x1b[31m\r\n\xff" + std::string(100'000, 'x');
  ASSERT_TRUE(finish(claim_one().lease, ending));
  const std::string kept = look(id).error->message;
  EXPECT_LE(kept.size(), 2000U);
  EXPECT_EQ(kept.find('\x1b'), std::string::npos);
  EXPECT_EQ(kept.find('\n'), std::string::npos);
}

TEST_P(LeaseConformance, TheDetailOfAnErrorIsThatOfTheLastOne) {
  const UploadId id = insert("a");
  ASSERT_TRUE(requeue(claim_one().lease,
                      {.error = UploadError{Errc::network, "reset", true, "by /the\nhost"}, .failed_attempt = true}));
  EXPECT_EQ(look(id).error->detail.find('\n'), std::string::npos);
  EXPECT_NE(look(id).error->detail.find("by /the"), std::string::npos);
  ASSERT_TRUE(requeue(claim_one().lease, {}));
  EXPECT_NE(look(id).error->detail.find("by /the"), std::string::npos) << "no new error";
  ASSERT_TRUE(requeue(claim_one().lease, {.error = UploadError{Errc::network, "reset", true}, .failed_attempt = true}));
  EXPECT_EQ(look(id).error->detail, "");
  UploadEnding ending = failed();
  ending.error->detail = "profile x";
  ASSERT_TRUE(finish(claim_one().lease, ending));
  reopen();
  EXPECT_EQ(look(id).error->detail, "profile x");
  EXPECT_EQ(look(id).error->message, "it did not work");
}

VODLIFT_INSTANTIATE_CONFORMANCE(LeaseConformance);

}  // namespace
}  // namespace vodlift::conformance
