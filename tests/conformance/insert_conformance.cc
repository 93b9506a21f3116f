// Queueing: durable before the answer, and once for the same signed bytes.
#include <atomic>
#include <latch>
#include <mutex>
#include <set>

#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

class InsertConformance : public StoreSuite {
 protected:
  NewUpload signed_upload(const std::string& destination, char mac) {
    NewUpload upload = new_upload(destination);
    upload.key_id = 7;
    upload.signature = {to_unix_seconds(clock_.now()), std::string(32, mac)};
    return upload;
  }
};

TEST_P(InsertConformance, AnswersIdsThatGrow) {
  const auto first = insert("a");
  const auto second = insert("b");
  EXPECT_GE(first, 1);
  EXPECT_GT(second, first);
}

TEST_P(InsertConformance, KeepsEveryFieldOverAReopen) {
  NewUpload upload = new_upload("films/Größe & \"Länge\".mp4", 9);
  upload.request.acl = Acl::public_read;
  upload.request.metadata = {{"param1", "value \"1\""}, {"title", "Ünïcode\\ / \n"}, {"empty", ""}};
  upload.request.callback = "http://www.example.com/done?x=1";
  const UploadId id = insert(upload).id;
  reopen();
  const Upload found = look(id);
  EXPECT_EQ(found.account, kAccount);
  EXPECT_EQ(found.state, UploadState::queued);
  EXPECT_EQ(found.request.path, upload.request.path);
  EXPECT_EQ(found.request.destination_path, upload.request.destination_path);
  EXPECT_EQ(found.request.bucket, upload.request.bucket);
  EXPECT_EQ(found.request.acl, Acl::public_read);
  EXPECT_EQ(found.request.metadata, upload.request.metadata);
  EXPECT_EQ(found.request.callback, upload.request.callback);
  EXPECT_EQ(found.request.priority, 9);
  EXPECT_EQ(found.size, 1000);
  EXPECT_EQ(found.bytes_sent, 0);
  EXPECT_EQ(found.attempts, 0);
  EXPECT_EQ(found.created, clock_.now());
  EXPECT_FALSE(found.acl_applied || found.error || found.started || found.finished || found.next_attempt);
  EXPECT_EQ(found.callback_state, CallbackState::waiting);
}

TEST_P(InsertConformance, KeepsTheTraceOfTheClient) {
  NewUpload upload = new_upload("a");
  upload.trace = parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
  ASSERT_TRUE(upload.trace);
  upload.request.options.cache_control = "no-store";
  const UploadId id = insert(upload).id;
  reopen();
  EXPECT_EQ(look(id).trace, *upload.trace);
  EXPECT_EQ(look(id).request.options.cache_control, "no-store");
  EXPECT_EQ(claim_one().upload.trace, *upload.trace);
}

TEST_P(InsertConformance, MakesATraceWhereTheClientSentNone) {
  NewUpload upload = new_upload("a");
  upload.token = "0123456789abcdef0123456789abcdef";
  const UploadId id = insert(upload).id;
  reopen();
  EXPECT_EQ(look(id).trace, trace_of_token(upload.token));
}

TEST_P(InsertConformance, KeysAreByteExact) {
  const std::string key = "a//b/../c d+%2F\xff\xfe\x01.mp4";
  const UploadId id = insert(key);
  EXPECT_EQ(look(id).request.destination_path, key);
}

TEST_P(InsertConformance, WithoutCallbackThereIsNone) {
  EXPECT_EQ(look(insert("a")).callback_state, CallbackState::none);
}

TEST_P(InsertConformance, IdsAreNotReusedAfterAReopen) {
  const UploadId before = insert("a");
  reopen();
  EXPECT_GT(insert("b"), before);
}

TEST_P(InsertConformance, ARepeatAnswersTheFirstId) {
  const auto first = insert(signed_upload("a", 'm'));
  EXPECT_FALSE(first.repeated);
  const auto again = insert(signed_upload("a", 'm'));
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.id, first.id);
  reopen();
  const auto after_restart = insert(signed_upload("a", 'm'));
  EXPECT_TRUE(after_restart.repeated);
  EXPECT_EQ(after_restart.id, first.id);
  EXPECT_EQ(claim().size(), 1U);
}

TEST_P(InsertConformance, OtherKeysAndOtherBytesAreNoRepeats) {
  const auto first = insert(signed_upload("a", 'm'));
  NewUpload other_key = signed_upload("b", 'm');
  other_key.key_id = 8;
  EXPECT_NE(insert(other_key).id, first.id);
  EXPECT_NE(insert(signed_upload("c", 'n')).id, first.id);
}

TEST_P(InsertConformance, UnsignedRequestsAreNeverRepeats) {
  const auto first = insert(new_upload("a"));
  const auto second = insert(new_upload("a"));
  EXPECT_FALSE(second.repeated);
  EXPECT_NE(first.id, second.id);
}

TEST_P(InsertConformance, EqualRequestsAtTheSameTimeMakeOneUpload) {
  constexpr int kRequests = 400;
  std::mutex mutex;
  std::set<UploadId> ids;
  int fresh = 0;
  std::latch answered(kRequests);
  for (int i = 0; i < kRequests; ++i) {
    uploads().insert(signed_upload("a", 'm'), [&](const Result<InsertOutcome>& outcome) {
      const std::lock_guard lock(mutex);
      EXPECT_TRUE(outcome);
      if (outcome) {
        ids.insert(outcome->id);
        fresh += outcome->repeated ? 0 : 1;
      }
      answered.count_down();
    });
  }
  answered.wait();
  const std::lock_guard lock(mutex);
  EXPECT_EQ(ids.size(), 1U);
  EXPECT_EQ(fresh, 1);
  EXPECT_EQ(claim().size(), 1U);
}

class BoundConformance : public InsertConformance {
 protected:
  static constexpr int kMost = 3;

  void SetUp() override {
    InsertConformance::SetUp();
    store_->set_most_open_uploads(kMost);
    reopen();
  }

  Result<InsertOutcome> try_insert(NewUpload upload) {
    return await<Result<InsertOutcome>>([&](auto done) { uploads().insert(std::move(upload), std::move(done)); });
  }
  // One more upload of an account that has as many as it may have.
  void expect_full(AccountId account = kAccount) {
    NewUpload more = new_upload("more");
    more.account = account;
    const auto refused = try_insert(std::move(more));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::overloaded);
  }
  std::vector<UploadId> fill() {
    std::vector<UploadId> ids;
    for (int i = 0; i < kMost; ++i) ids.push_back(insert(std::to_string(i)));
    expect_full();
    return ids;
  }
  Result<ChangeOutcome> change(UploadId id, UploadChange how) {
    return uploads().change({.account = kAccount, .id = id, .change = how, .signature = {}});
  }
};

TEST_P(BoundConformance, AnAccountHasOnlySoManyThatHaveNotEnded) {
  fill();
  const auto refused = try_insert(new_upload("more"));
  EXPECT_NE(refused.error().message.find("158 has 3 uploads"), std::string::npos) << refused.error().message;
  EXPECT_EQ(uploads().find(kAccount, {.ids = {}}).value().size(), 3U);
}

TEST_P(BoundConformance, OfEachAccount) {
  fill();
  for (int i = 0; i < kMost; ++i) {
    NewUpload theirs = new_upload(std::to_string(i));
    theirs.account = kAccount + 1;
    insert(std::move(theirs));
  }
  expect_full(kAccount + 1);
}

TEST_P(BoundConformance, ARepeatGetsItsIdAlsoThen) {
  const UploadId first = insert(signed_upload("a", 'm')).id;
  insert("b");
  insert("c");
  expect_full();
  const InsertOutcome again = insert(signed_upload("a", 'm'));
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.id, first);
}

TEST_P(BoundConformance, EveryEndMakesRoomForOne) {
  const auto ids = fill();
  ASSERT_TRUE(change(ids[1], UploadChange::pause));
  expect_full();
  ASSERT_TRUE(change(ids[0], UploadChange::cancel));
  ASSERT_TRUE(change(ids[0], UploadChange::cancel)) << "an answer, and no change";
  insert("after a cancel");
  expect_full();
  ASSERT_TRUE(change(ids[1], UploadChange::cancel));
  insert("after a cancel of a paused one");
  expect_full();

  const Lease done = claim_one().lease;
  expect_full();
  ASSERT_TRUE(requeue(done, {.delay = 0ms}));
  expect_full();
  ASSERT_TRUE(finish(claim_one().lease, completed()));
  ASSERT_FALSE(finish(done, completed())) << "its lease is over";
  insert("after a completion");
  expect_full();
  ASSERT_TRUE(finish(claim_one().lease, failed()));
  insert("after a failure");
  expect_full();

  const ClaimedUpload recalled = claim_one();
  ASSERT_TRUE(change(recalled.lease.id, UploadChange::cancel));
  expect_full();
  ASSERT_TRUE(requeue(recalled.lease, {}));
  EXPECT_EQ(look(recalled.lease.id).state, UploadState::cancelled);
  insert("after a cancel of one that ran");
  expect_full();
}

TEST_P(BoundConformance, IsExactAfterAReopen) {
  const auto ids = fill();
  reopen();
  expect_full();
  ASSERT_TRUE(change(ids[0], UploadChange::cancel));
  reopen();
  insert("a");
  expect_full();
}

TEST_P(BoundConformance, AHigherBoundMakesRoomAndALowerOneTakesNothingAway) {
  const auto ids = fill();
  store_->set_most_open_uploads(kMost + 1);
  reopen();
  insert("one more");
  expect_full();
  store_->set_most_open_uploads(1);
  reopen();
  expect_full();
  EXPECT_EQ(claim().size(), 4U);
}

TEST_P(BoundConformance, InsertsAtTheSameTimeDoNotExceedIt) {
  constexpr int kRequests = 300;
  std::atomic<int> taken{0};
  std::latch answered(kRequests);
  for (int i = 0; i < kRequests; ++i) {
    uploads().insert(new_upload(std::to_string(i)), [&](const Result<InsertOutcome>& outcome) {
      if (outcome) ++taken;
      answered.count_down();
    });
  }
  answered.wait();
  EXPECT_EQ(taken.load(), kMost);
  EXPECT_EQ(claim().size(), 3U);
}

TEST_P(InsertConformance, FindRepeatTellsTheFirstId) {
  const RequestSignature signature = signed_upload("a", 'm').signature;
  EXPECT_EQ(uploads().find_repeat(7, signature).value(), std::nullopt);
  const auto first = insert(signed_upload("a", 'm'));
  EXPECT_EQ(uploads().find_repeat(7, signature).value(), first.id);
  EXPECT_EQ(uploads().find_repeat(8, signature).value(), std::nullopt);
}

// Signatures are removed after an insert: this makes one that is due for it, and waits until it is over.
class SignatureConformance : public StoreSuite {
 protected:
  NewUpload signed_at(WallTime when, const std::string& destination) {
    NewUpload upload = new_upload(destination);
    upload.key_id = 7;
    upload.signature = {to_unix_seconds(when), std::string(32, 'm')};
    return upload;
  }
  bool is_known(const NewUpload& upload) {
    return uploads().find_repeat(upload.key_id, upload.signature).value().has_value();
  }
  // Time passes on every clock; then an upload is inserted.
  void pass(milliseconds time) {
    clock_.pass(time);
    insert("later" + std::to_string(++later_));
    insert("last" + std::to_string(later_));  // behind what the first insert set off
  }

 private:
  int later_ = 0;
};

TEST_P(SignatureConformance, OldOnesAreForgottenAndTheirUploadsStay) {
  pass(1h);
  const NewUpload old = signed_at(clock_.now(), "a");
  const UploadId id = insert(old).id;
  pass(59min);
  EXPECT_TRUE(is_known(old));
  const NewUpload young = signed_at(clock_.now(), "b");
  insert(young);
  pass(2min);
  EXPECT_FALSE(is_known(old));
  EXPECT_TRUE(is_known(young));
  EXPECT_EQ(look(id).state, UploadState::queued);
}

TEST_P(SignatureConformance, NoneIsForgottenInTheFirstHourOrAfterTheClockWasSet) {
  const NewUpload old = signed_at(clock_.now() - 5h, "a");
  insert(old);
  pass(59min);
  EXPECT_TRUE(is_known(old)) << "the first hour";
  clock_.advance(3h);
  pass(2min);
  EXPECT_TRUE(is_known(old)) << "the clock was set forward";
  pass(59min);
  clock_.advance(-3h);
  pass(2min);
  EXPECT_TRUE(is_known(old)) << "and back again";
  pass(1h);
  EXPECT_FALSE(is_known(old)) << "steady for an hour";
}

TEST_P(SignatureConformance, ManyAreForgotten) {
  constexpr int kRequests = 4500;
  const WallTime when = clock_.now();
  std::latch answered(kRequests);
  for (int i = 0; i < kRequests; ++i) {
    NewUpload upload = signed_at(when, std::to_string(i));
    upload.signature.mac.replace(0, sizeof i, reinterpret_cast<const char*>(&i), sizeof i);
    uploads().insert(std::move(upload), [&](const Result<InsertOutcome>& outcome) {
      EXPECT_TRUE(outcome);
      answered.count_down();
    });
  }
  answered.wait();
  for (int round = 0; round < 4; ++round) pass(1h);
  NewUpload last = signed_at(when, "x");
  const int number = kRequests - 1;
  last.signature.mac.replace(0, sizeof number, reinterpret_cast<const char*>(&number), sizeof number);
  EXPECT_FALSE(is_known(last));
}

TEST_P(InsertConformance, NewWorkIsPublished) {
  std::latch woken(1);
  std::atomic_flag first;
  const auto subscription = feed().subscribe(Change::Kind::uploads_due, [&](const Change&) {
    if (!first.test_and_set()) woken.count_down();
  });
  insert("a");
  woken.wait();
}

VODLIFT_INSTANTIATE_CONFORMANCE(InsertConformance);
VODLIFT_INSTANTIATE_CONFORMANCE(BoundConformance);
VODLIFT_INSTANTIATE_CONFORMANCE(SignatureConformance);

}  // namespace
}  // namespace vodlift::conformance
