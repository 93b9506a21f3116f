// Callbacks: born with the end state, claimed under a fence, every attempt recorded.
#include <fmt/format.h>

#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class CallbackConformance : public StoreSuite {
 protected:
  // An upload with a callback, ended; its id.
  UploadId ended(const std::string& destination = "a", const UploadEnding& ending = completed()) {
    NewUpload upload = new_upload(destination);
    upload.request.callback = "http://www.example.com/done";
    const UploadId id = insert(upload).id;
    EXPECT_TRUE(finish(claim_one().lease, ending));
    return id;
  }

  ClaimedCallback claim_callback() {
    auto claimed = claim_callbacks(1);
    EXPECT_EQ(claimed.size(), 1U);
    return claimed.empty() ? ClaimedCallback{} : std::move(claimed.front());
  }

  CallbackAttempt attempt(CallbackState next, int http_status, seconds wait = seconds(0)) {
    return {milliseconds(12), http_status, http_status == 200 ? "" : "refused", next, wait};
  }
};

TEST_P(CallbackConformance, ComesWithTheEnd) {
  NewUpload upload = new_upload("a");
  upload.request.callback = "http://www.example.com/done";
  const UploadId id = insert(upload).id;
  EXPECT_EQ(look(id).callback_state, CallbackState::waiting);
  const Lease lease = claim_one().lease;
  EXPECT_EQ(look(id).callback_state, CallbackState::waiting);
  EXPECT_TRUE(claim_callbacks().empty());
  ASSERT_TRUE(finish(lease, completed()));
  EXPECT_EQ(look(id).callback_state, CallbackState::pending);

  reopen();
  const auto callback = claim_callback();
  EXPECT_EQ(callback.upload, id);
  EXPECT_EQ(callback.account, kAccount);
  EXPECT_EQ(callback.url, "http://www.example.com/done");
  EXPECT_EQ(callback.body, fmt::format("{} completed pending", id)) << "made for the upload in its end state";
  EXPECT_EQ(callback.attempts, 0);
  EXPECT_EQ(callback.webhook_id.substr(0, 4), "msg_");
  EXPECT_EQ(callback.webhook_id.size(), 36U);
}

TEST_P(CallbackConformance, WithoutUrlThereIsNone) {
  const UploadId id = insert("a");
  ASSERT_TRUE(finish(claim_one().lease, failed()));
  EXPECT_TRUE(claim_callbacks().empty());
  EXPECT_EQ(look(id).callback_state, CallbackState::none);
}

TEST_P(CallbackConformance, ARefusedEndLeavesNone) {
  NewUpload upload = new_upload("a");
  upload.request.callback = "http://www.example.com/done";
  insert(upload);
  Lease lease = claim_one().lease;
  ++lease.fence;
  ASSERT_FALSE(finish(lease, completed()));
  EXPECT_TRUE(claim_callbacks().empty());
}

TEST_P(CallbackConformance, DeliveredIsOver) {
  const UploadId id = ended();
  ASSERT_TRUE(callbacks().record(claim_callback(), attempt(CallbackState::delivered, 200)));
  EXPECT_EQ(look(id).callback_state, CallbackState::delivered);
  clock_.advance(std::chrono::hours(48));
  EXPECT_TRUE(claim_callbacks().empty());
}

TEST_P(CallbackConformance, FailedAndStoppedAreOverToo) {
  const UploadId failed_one = ended("a");
  ASSERT_TRUE(callbacks().record(claim_callback(), attempt(CallbackState::failed, 0)));
  const UploadId stopped_one = ended("b");
  ASSERT_TRUE(callbacks().record(claim_callback(), attempt(CallbackState::stopped, 410)));
  EXPECT_EQ(look(failed_one).callback_state, CallbackState::failed);
  EXPECT_EQ(look(stopped_one).callback_state, CallbackState::stopped);
  EXPECT_TRUE(claim_callbacks().empty());
}

TEST_P(CallbackConformance, ARetryKeepsIdAndBodyAndWaits) {
  const UploadId id = ended();
  const auto first = claim_callback();
  ASSERT_TRUE(callbacks().record(first, attempt(CallbackState::pending, 503, seconds(5))));
  EXPECT_EQ(look(id).callback_state, CallbackState::pending);
  EXPECT_EQ(callbacks().next_due().value(), seconds(5));
  clock_.advance(milliseconds(4999));
  EXPECT_TRUE(claim_callbacks().empty());
  clock_.advance(milliseconds(1));
  const auto second = claim_callback();
  EXPECT_EQ(second.webhook_id, first.webhook_id);
  EXPECT_EQ(second.body, first.body);
  EXPECT_EQ(second.attempts, 1);
  EXPECT_GT(second.fence, first.fence);
}

TEST_P(CallbackConformance, LeasedOnceUntilTheLeaseRunsOut) {
  ended();
  const auto first = claim_callback();
  EXPECT_TRUE(claim_callbacks().empty());
  clock_.advance(kLease);
  const auto second = claim_callback();
  const auto late = callbacks().record(first, attempt(CallbackState::delivered, 200));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::lease_lost);
  ASSERT_TRUE(callbacks().record(second, attempt(CallbackState::delivered, 200)));
  const auto twice = callbacks().record(second, attempt(CallbackState::delivered, 200));
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, Errc::lease_lost);
}

TEST_P(CallbackConformance, ANodeThatRestartsTakesItsOwnBack) {
  ended();
  claim_callback();
  ASSERT_TRUE(callbacks().reclaim());
  EXPECT_TRUE(claim_callbacks().empty()) << "this term's lease stays";
  reopen();
  EXPECT_TRUE(claim_callbacks().empty());
  ASSERT_TRUE(callbacks().reclaim());
  EXPECT_EQ(claim_callbacks().size(), 1U);
}

TEST_P(CallbackConformance, OldestFirstAndNoMoreThanAsked) {
  const UploadId first = ended("a");
  clock_.advance(seconds(1));
  const UploadId second = ended("b");
  clock_.advance(seconds(1));
  const UploadId third = ended("c");
  const auto two = claim_callbacks(2);
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two[0].upload, first);
  EXPECT_EQ(two[1].upload, second);
  EXPECT_EQ(claim_callback().upload, third);
}

TEST_P(CallbackConformance, AnAttemptLeadsToNoStateOfAnUpload) {
  ended();
  const auto callback = claim_callback();
  for (const CallbackState next : {CallbackState::none, CallbackState::waiting}) {
    const auto outcome = callbacks().record(callback, attempt(next, 200));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::internal);
  }
}

TEST_P(CallbackConformance, EndsAndRetriesArePublished) {
  std::atomic<int> woken = 0;
  const auto subscription = feed().subscribe(Change::Kind::callbacks_due, [&](const Change&) { ++woken; });
  NewUpload upload = new_upload("a");
  upload.request.callback = "http://www.example.com/done";
  insert(upload);
  const Lease lease = claim_one().lease;
  EXPECT_EQ(woken, 0) << "none is due";
  ASSERT_TRUE(finish(lease, completed()));
  const int after_end = woken;
  EXPECT_GT(after_end, 0);
  ASSERT_TRUE(callbacks().record(claim_callback(), attempt(CallbackState::pending, 503, seconds(5))));
  EXPECT_GT(woken, after_end);
}

VODLIFT_INSTANTIATE_CONFORMANCE(CallbackConformance);

}  // namespace
}  // namespace vodlift::conformance
