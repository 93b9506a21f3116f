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
  UploadId ended(const std::string& destination = "a", const UploadEnding& ending = completed(),
                 AccountId account = kAccount, const std::string& callback = "http://www.example.com/done") {
    NewUpload upload = new_upload(destination);
    upload.account = account;
    upload.request.callback = callback;
    const UploadId id = insert(upload).id;
    EXPECT_TRUE(finish(claim_one().lease, ending));
    return id;
  }

  ClaimedCallback claim_callback() {
    auto claimed = claim_callbacks(1);
    EXPECT_EQ(claimed.size(), 1U);
    return claimed.empty() ? ClaimedCallback{} : std::move(claimed.front());
  }

  // Whether the attempt was recorded: false where the lease is lost.
  bool record(const ClaimedCallback& callback, const CallbackAttempt& attempt) {
    return callbacks().record({{callback, attempt}}).value().empty();
  }

  // The receivers of an account in the order in which they have their turns.
  std::vector<std::string> receivers(const std::string& after = "", int limit = 10, AccountId account = kAccount) {
    std::vector<std::string> names;
    for (const DueReceiver& one : callbacks().due_receivers(account, after, limit, 1).value()) {
      names.push_back(one.receiver);
    }
    return names;
  }

  static CallbackAttempt attempt(CallbackState next, int http_status, seconds wait = seconds(0)) {
    return {milliseconds(12), http_status, http_status == 200 ? "" : "refused", next, wait};
  }
};

TEST_P(CallbackConformance, BelongsToTheTraceOfItsUpload) {
  const UploadId id = ended("a");
  EXPECT_EQ(claim_callback().trace, look(id).trace);
  NewUpload upload = new_upload("b");
  upload.request.callback = "http://www.example.com/done";
  upload.trace = parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  insert(upload);
  ASSERT_TRUE(finish(claim_one().lease, completed()));
  EXPECT_EQ(claim_callback().trace, upload.trace);
}

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
  ASSERT_TRUE(record(claim_callback(), attempt(CallbackState::delivered, 200)));
  EXPECT_EQ(look(id).callback_state, CallbackState::delivered);
  clock_.advance(std::chrono::hours(48));
  EXPECT_TRUE(claim_callbacks().empty());
}

TEST_P(CallbackConformance, FailedAndStoppedAreOverToo) {
  const UploadId failed_one = ended("a");
  ASSERT_TRUE(record(claim_callback(), attempt(CallbackState::failed, 0)));
  const UploadId stopped_one = ended("b");
  ASSERT_TRUE(record(claim_callback(), attempt(CallbackState::stopped, 410)));
  EXPECT_EQ(look(failed_one).callback_state, CallbackState::failed);
  EXPECT_EQ(look(stopped_one).callback_state, CallbackState::stopped);
  EXPECT_TRUE(claim_callbacks().empty());
}

TEST_P(CallbackConformance, ARetryKeepsIdAndBodyAndWaits) {
  const UploadId id = ended();
  const auto first = claim_callback();
  ASSERT_TRUE(record(first, attempt(CallbackState::pending, 503, seconds(5))));
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
  EXPECT_FALSE(record(first, attempt(CallbackState::delivered, 200)));
  ASSERT_TRUE(record(second, attempt(CallbackState::delivered, 200)));
  EXPECT_FALSE(record(second, attempt(CallbackState::delivered, 200)));
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

TEST_P(CallbackConformance, AccountsHaveTheirTurns) {
  for (const AccountId account : {30, 10, 20, 20}) ended("a", completed(), account);
  EXPECT_EQ(callbacks().due_accounts(1, 10).value(), (std::vector<AccountId>{10, 20, 30}));
  EXPECT_EQ(callbacks().due_accounts(20, 10).value(), (std::vector<AccountId>{20, 30, 10}));
  EXPECT_EQ(callbacks().due_accounts(21, 2).value(), (std::vector<AccountId>{30, 10}));
  EXPECT_EQ(callbacks().due_accounts(31, 1).value(), (std::vector<AccountId>{10}));
}

TEST_P(CallbackConformance, ReceiversOfAnAccountHaveTheirTurns) {
  for (const char* url :
       {"http://b.example/x", "https://A.example./?y", "http://c.example:8080", "http://b.example/z"}) {
    ended("a", completed(), kAccount, url);
  }
  ended("a", completed(), kAccount + 1, "http://other.example/");
  const std::vector<std::string> all = {"a.example:443", "b.example:80", "c.example:8080"};
  EXPECT_EQ(receivers(), all);
  EXPECT_EQ(receivers("a.example:443"), (std::vector<std::string>{all[1], all[2], all[0]}));
  EXPECT_EQ(receivers("b.example:80", 2), (std::vector<std::string>{all[2], all[0]}));
  EXPECT_EQ(receivers("c.example:8080"), all);
  EXPECT_EQ(claim_callbacks().at(0).receiver, all[0]);
}

TEST_P(CallbackConformance, OnlyWhatIsDueHasATurn) {
  const UploadId id = ended("a", completed(), kAccount, "http://a.example/");
  ended("b", completed(), kAccount + 1, "http://b.example/");
  const auto claimed = claim_callback();
  EXPECT_EQ(claimed.upload, id);
  EXPECT_EQ(callbacks().due_accounts(1, 10).value(), (std::vector<AccountId>{kAccount + 1}));
  EXPECT_TRUE(receivers().empty());
  ASSERT_TRUE(record(claimed, attempt(CallbackState::pending, 500, seconds(5))));
  EXPECT_TRUE(receivers().empty());
  clock_.advance(seconds(5));
  EXPECT_EQ(callbacks().due_accounts(1, 10).value(), (std::vector<AccountId>{kAccount, kAccount + 1}));
  EXPECT_EQ(receivers(), (std::vector<std::string>{"a.example:80"}));
}

TEST_P(CallbackConformance, OfEachReceiverNoMoreThanAsked) {
  for (int i = 0; i < 3; ++i) ended();
  const auto due = callbacks().due_receivers(kAccount, "", 10, 2).value();
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].ids.size(), 2U);
}

TEST_P(CallbackConformance, OnlyDueOnesOfThoseThatWereChosenAreClaimed) {
  for (int i = 0; i < 2; ++i) ended();
  const auto ids = callbacks().due_receivers(kAccount, "", 10, 10).value().at(0).ids;
  ASSERT_EQ(ids.size(), 2U);
  ASSERT_EQ(callbacks().claim({ids[1]}, kLease).value().size(), 1U);
  const auto claimed = callbacks().claim({ids[0], ids[1], 999}, kLease).value();
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_EQ(claimed[0].id, ids[0]);
}

TEST_P(CallbackConformance, ALostLeaseKeepsNoOtherAttemptFromBeingRecorded) {
  const UploadId first = ended("a");
  const UploadId second = ended("b");
  auto claimed = claim_callbacks(2);
  ASSERT_EQ(claimed.size(), 2U);
  --claimed[0].fence;
  const auto lost = callbacks().record(
      {{claimed[0], attempt(CallbackState::delivered, 200)}, {claimed[1], attempt(CallbackState::delivered, 200)}});
  EXPECT_EQ(lost.value(), (std::vector<std::int64_t>{claimed[0].id}));
  EXPECT_EQ(look(first).callback_state, CallbackState::pending);
  EXPECT_EQ(look(second).callback_state, CallbackState::delivered);
}

TEST_P(CallbackConformance, AnAttemptLeadsToNoStateOfAnUpload) {
  ended();
  const auto callback = claim_callback();
  for (const CallbackState next : {CallbackState::none, CallbackState::waiting}) {
    const auto outcome = callbacks().record({{callback, attempt(next, 200)}});
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
  ASSERT_TRUE(record(claim_callback(), attempt(CallbackState::pending, 503, seconds(5))));
  EXPECT_GT(woken, after_end);
}

VODLIFT_INSTANTIATE_CONFORMANCE(CallbackConformance);

}  // namespace
}  // namespace vodlift::conformance
