// What is kept of how runs ended: in the transactions that end them, merged where they are alike, and bounded.
#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using std::chrono::seconds;

class AttemptConformance : public StoreSuite {
 protected:
  std::vector<UploadAttempt> attempts_of(UploadId id) { return attempt_history().attempts_of(id).value(); }

  static Requeue again(Errc code, bool failed_attempt = true) {
    return {seconds(1), UploadError{code, "it did not work", true, "for the operator"}, failed_attempt};
  }

  // The upload runs, and a part of it is sent; then the run is interrupted.
  void interrupt(int part_number) {
    const Lease lease = claim_one().lease;
    if (part_number == 1) {
      ASSERT_TRUE(journal().record_multipart(lease, open_multipart(10'000)));
    }
    ASSERT_TRUE(journal().record_part(lease, part(part_number, 100)));
    ASSERT_TRUE(requeue(lease, {}));
  }

  void fail_attempt(Errc code = Errc::network, bool failed_attempt = true) {
    ASSERT_TRUE(requeue(claim_one().lease, again(code, failed_attempt)));
    clock_.advance(seconds(1));
  }
};

TEST_P(AttemptConformance, NothingIsKeptOfAnUploadThatCompletesAtOnce) {
  const UploadId id = insert("a");
  ASSERT_TRUE(finish(claim_one().lease, completed()));
  EXPECT_TRUE(attempts_of(id).empty());
  EXPECT_TRUE(attempts_of(id + 1).empty()) << "there is no such upload";
}

TEST_P(AttemptConformance, TellsTheConfirmedPartsOfAnOpenMultipartUpload) {
  const UploadId id = insert("a");
  EXPECT_EQ(attempt_history().parts_of(id).value().part_size, 0);
  EXPECT_EQ(attempt_history().parts_of(id + 1).value().part_size, 0) << "there is no such upload";
  const Lease lease = claim_one().lease;
  ASSERT_TRUE(journal().record_multipart(lease, open_multipart(10'000)));
  EXPECT_TRUE(attempt_history().parts_of(id).value().ranges.empty());
  const WallTime began = clock_.now();
  for (const int number : {3, 1, 7, 2, 9, 8, 5, 3}) {
    ASSERT_TRUE(journal().record_part(lease, part(number, 100)));
    clock_.advance(seconds(1));
  }
  const auto parts = attempt_history().parts_of(id).value();
  EXPECT_EQ(parts.part_size, open_multipart(10'000).part_size);
  EXPECT_THAT(parts.ranges, testing::ElementsAre(1, 3, 5, 5, 7, 9));
  std::vector<std::int64_t> after;
  for (const auto& time : parts.times) after.push_back(to_unix_ms(time.value()) - to_unix_ms(began));
  EXPECT_THAT(after, testing::ElementsAre(1000, 3000, 7000, 6000, 2000, 5000, 4000)) << "part 3 was sent twice";
  ASSERT_TRUE(finish(lease, completed(10'000)));
  EXPECT_EQ(attempt_history().parts_of(id).value().part_size, 0) << "it is closed";
}

TEST_P(AttemptConformance, TellsWhatCameBeforeTheEnd) {
  const UploadId id = insert("a");
  const WallTime began = clock_.now();
  const Lease first = claim_one().lease;
  clock_.advance(seconds(3));
  ASSERT_TRUE(requeue(first, again(Errc::s3_throttled)));
  EXPECT_EQ(attempts_of(id).size(), 1U);
  clock_.advance(seconds(1));
  const Lease second = claim_one().lease;
  clock_.advance(seconds(2));
  ASSERT_TRUE(finish(second, completed(1000)));

  const auto kept = attempts_of(id);
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[0].number, 1);
  EXPECT_EQ(kept[0].how, AttemptEnd::requeued);
  EXPECT_EQ(kept[0].times, 1);
  ASSERT_TRUE(kept[0].error);
  EXPECT_EQ(kept[0].error->code, Errc::s3_throttled);
  EXPECT_EQ(kept[0].error->message, "it did not work");
  EXPECT_EQ(kept[0].error->detail, "for the operator");
  EXPECT_TRUE(kept[0].error->retryable);
  EXPECT_EQ(kept[0].started, began);
  EXPECT_EQ(kept[0].ended, began + seconds(3));
  EXPECT_EQ(kept[0].node, node_->self.node);
  EXPECT_EQ(kept[1].number, 2);
  EXPECT_EQ(kept[1].how, AttemptEnd::completed);
  EXPECT_FALSE(kept[1].error);
  EXPECT_EQ(kept[1].first_byte, 0);
  EXPECT_EQ(kept[1].last_byte, 1000);
  EXPECT_EQ(kept[1].ended, began + seconds(6));
}

TEST_P(AttemptConformance, EachEndHasItsWord) {
  const UploadId failed_one = insert("a");
  ASSERT_TRUE(finish(claim_one().lease, failed(Errc::s3_access_denied)));
  EXPECT_EQ(attempts_of(failed_one).at(0).how, AttemptEnd::failed);
  EXPECT_EQ(attempts_of(failed_one).at(0).error->code, Errc::s3_access_denied);
  for (const auto& [change, word] :
       {std::pair(UploadChange::pause, AttemptEnd::paused), std::pair(UploadChange::cancel, AttemptEnd::cancelled)}) {
    const UploadId id = insert("b");
    const Lease lease = claim_one().lease;
    ChangeRequest request;
    request.account = kAccount;
    request.id = id;
    request.change = change;
    ASSERT_TRUE(uploads().change(request));
    ASSERT_TRUE(requeue(lease, {}));
    ASSERT_EQ(attempts_of(id).size(), 1U);
    EXPECT_EQ(attempts_of(id).at(0).how, word);
    request.change = UploadChange::cancel;
    (void)uploads().change(request);
  }
}

TEST_P(AttemptConformance, ACrashIsOne) {
  const UploadId id = insert("a");
  claim_one();
  clock_.advance(kLease);
  ASSERT_EQ(queue().rescue(kMaxCrashes).value(), 1);
  ASSERT_EQ(attempts_of(id).size(), 1U);
  EXPECT_EQ(attempts_of(id).at(0).how, AttemptEnd::crashed);
  EXPECT_EQ(attempts_of(id).at(0).node, node_->self.node);
  ASSERT_TRUE(finish(claim_one().lease, completed()));
  EXPECT_EQ(attempts_of(id).at(1).how, AttemptEnd::completed) << "it was not the first run";
}

TEST_P(AttemptConformance, InterruptionsInARowAreOneEntry) {
  const UploadId id = insert("a");
  for (int i = 1; i <= 5; ++i) interrupt(i);
  const auto kept = attempts_of(id);
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].how, AttemptEnd::interrupted);
  EXPECT_EQ(kept[0].times, 5);
  EXPECT_EQ(kept[0].number, 1);
  EXPECT_EQ(kept[0].first_byte, 0);
  EXPECT_EQ(kept[0].last_byte, 500);
}

TEST_P(AttemptConformance, AWaitOfManyRunsIsOneEntry) {
  const UploadId id = insert("a");
  for (int i = 0; i < 60; ++i) fail_attempt(Errc::s3_credential, /*failed_attempt=*/false);
  fail_attempt(Errc::s3_access_denied, /*failed_attempt=*/false);
  const auto kept = attempts_of(id);
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[0].times, 60);
  EXPECT_EQ(kept[1].error->code, Errc::s3_access_denied);
}

TEST_P(AttemptConformance, WhatWasGivenBackUnbegunIsNoAttempt) {
  const UploadId id = insert("a");
  ASSERT_TRUE(requeue(claim_one().lease, {}));
  ASSERT_TRUE(requeue(claim_one().lease, Requeue{}));
  ASSERT_TRUE(finish(claim_one().lease, completed()));
  EXPECT_TRUE(attempts_of(id).empty());
}

TEST_P(AttemptConformance, InterruptionsNeverPushOutAttempts) {
  const UploadId id = insert("a");
  fail_attempt();
  for (int i = 1; i <= 2 * kKeptAttempts; ++i) {
    interrupt(i);
    fail_attempt(i % 2 == 0 ? Errc::network : Errc::timeout, /*failed_attempt=*/false);
    if (i >= kKeptAttempts - 3) continue;
    const auto kept = attempts_of(id);
    const auto is_real = [](const UploadAttempt& one) { return one.how == AttemptEnd::requeued; };
    EXPECT_EQ(std::ranges::count_if(kept, is_real), i + 1);
  }
  const auto kept = attempts_of(id);
  EXPECT_EQ(kept.size(), static_cast<std::size_t>(kKeptAttempts));
  EXPECT_EQ(kept.back().error->code, Errc::network);
  EXPECT_TRUE(std::ranges::is_sorted(kept, {}, &UploadAttempt::ended));
}

TEST_P(AttemptConformance, AChangeThatIsRefusedKeepsNothing) {
  const UploadId id = insert("a");
  Lease lease = claim_one().lease;
  ++lease.fence;
  EXPECT_FALSE(requeue(lease, again(Errc::network)));
  EXPECT_FALSE(finish(lease, failed()));
  EXPECT_TRUE(attempts_of(id).empty());
}

VODLIFT_INSTANTIATE_CONFORMANCE(AttemptConformance);

}  // namespace
}  // namespace vodlift::conformance
