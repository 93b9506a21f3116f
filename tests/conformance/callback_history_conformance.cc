// Callbacks as the doors see them: lists, the story of one, and sending one again.
#include <fmt/format.h>

#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class CallbackHistoryConformance : public StoreSuite {
 protected:
  // Ends an upload with this callback; the id of the callback.
  std::int64_t ended(AccountId account = kAccount, const std::string& callback = "https://a.example/done") {
    NewUpload upload = new_upload("a");
    upload.account = account;
    upload.request.callback = callback;
    const UploadId id = insert(upload).id;
    EXPECT_TRUE(finish(claim_one().lease, completed()));
    return callback_history().find_of(id).value().callback.id;
  }

  // Claims everything that is due and records the same of all.
  void deliver(CallbackState next, int http_status, seconds wait = seconds(0)) {
    std::vector<RecordedAttempt> attempts;
    for (const auto& callback : claim_callbacks()) {
      attempts.push_back({callback, {milliseconds(12), http_status, http_status == 200 ? "" : "refused", next, wait}});
    }
    EXPECT_FALSE(attempts.empty());
    EXPECT_TRUE(callbacks().record(attempts).value().empty());
  }

  std::vector<std::int64_t> list(const CallbackQuery& query) {
    std::vector<std::int64_t> ids;
    for (const CallbackView& one : callback_history().list(query).value().callbacks) ids.push_back(one.id);
    return ids;
  }

  CallbackStory find(std::int64_t id) { return callback_history().find(id).value(); }
};

TEST_P(CallbackHistoryConformance, TellsTheStoryOfOne) {
  const std::int64_t id = ended();
  const WallTime created = clock_.now();
  clock_.advance(seconds(1));
  deliver(CallbackState::pending, 503, seconds(5));
  clock_.advance(seconds(5));
  deliver(CallbackState::delivered, 200);
  const CallbackStory story = find(id);
  EXPECT_EQ(story.callback.id, id);
  EXPECT_EQ(story.callback.account, kAccount);
  EXPECT_EQ(story.callback.url, "https://a.example/done");
  EXPECT_EQ(story.callback.receiver, "a.example:443");
  EXPECT_TRUE(story.callback.webhook_id.starts_with("msg_"));
  EXPECT_EQ(story.callback.state, CallbackState::delivered);
  EXPECT_EQ(story.callback.attempts, 2);
  EXPECT_EQ(story.callback.created, created);
  EXPECT_FALSE(story.callback.next_attempt);
  EXPECT_EQ(story.body, fmt::format("{} completed pending", story.callback.upload));
  ASSERT_EQ(story.attempts.size(), 2U);
  EXPECT_EQ(story.attempts[0],
            (CallbackTry{1, created + seconds(1) - milliseconds(12), milliseconds(12), 503, "refused"}));
  EXPECT_EQ(story.attempts[1].number, 2);
  EXPECT_EQ(story.attempts[1].error, "");
  EXPECT_EQ(story.callback.last, story.attempts[1]);
}

TEST_P(CallbackHistoryConformance, ShowsWhatIsUnderWayAndWhatWaits) {
  const std::int64_t id = ended();
  EXPECT_EQ(find(id).callback.next_attempt, clock_.now());
  EXPECT_FALSE(find(id).callback.last);
  (void)claim_callbacks();
  EXPECT_TRUE(find(id).callback.under_way);
  EXPECT_FALSE(find(id).callback.next_attempt);
  clock_.advance(kLease);
  EXPECT_FALSE(find(id).callback.under_way);
  deliver(CallbackState::pending, 503, seconds(5));
  EXPECT_EQ(find(id).callback.next_attempt, clock_.now() + seconds(5));
}

TEST_P(CallbackHistoryConformance, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(callback_history().find(77).error().code, Errc::not_found);
  EXPECT_EQ(callback_history().send_again(77).error().code, Errc::not_found);
  EXPECT_EQ(callback_history().find_of(insert("a")).error().code, Errc::not_found) << "its upload has not ended";
}

TEST_P(CallbackHistoryConformance, ListsTheNewestFirstPageByPage) {
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 5; ++i) ids.insert(ids.begin(), ended());
  const auto first = callback_history().list({.limit = 2}).value();
  ASSERT_EQ(first.callbacks.size(), 2U);
  EXPECT_EQ(first.callbacks[0].id, ids[0]);
  EXPECT_EQ(first.next, ids[1]);
  EXPECT_EQ(list({.before = first.next, .limit = 2}), (std::vector{ids[2], ids[3]}));
  EXPECT_EQ(list({.account = kAccount, .before = ids[3]}), (std::vector{ids[4]}));
  EXPECT_EQ(callback_history().list({.before = ids[3]}).value().next, 0);
  EXPECT_TRUE(list({.before = ids[4]}).empty());
}

TEST_P(CallbackHistoryConformance, ListsByAccountStateAndReceiver) {
  const std::int64_t delivered = ended();
  deliver(CallbackState::delivered, 200);
  const std::int64_t failed = ended(kAccount, "http://b.example/");
  deliver(CallbackState::failed, 500);
  const std::int64_t stopped = ended(kAccount + 1);
  deliver(CallbackState::stopped, 410);
  const std::int64_t pending = ended();

  EXPECT_EQ(list({}), (std::vector{pending, stopped, failed, delivered}));
  EXPECT_EQ(list({.account = kAccount}), (std::vector{pending, failed, delivered}));
  EXPECT_EQ(list({.account = kAccount + 1}), (std::vector{stopped}));
  for (const AccountId account : {AccountId{0}, kAccount}) {
    EXPECT_EQ(list({.account = account, .state = CallbackState::delivered}), (std::vector{delivered}));
    EXPECT_EQ(list({.account = account, .state = CallbackState::failed}), (std::vector{failed}));
    EXPECT_EQ(list({.account = account, .state = CallbackState::pending}), (std::vector{pending}));
    EXPECT_EQ(list({.account = account, .receiver = "b.example"}), (std::vector{failed}));
  }
  EXPECT_EQ(list({.state = CallbackState::stopped}), (std::vector{stopped}));
  EXPECT_EQ(list({.receiver = "a.example:443"}), (std::vector{pending, stopped, delivered}));
  EXPECT_EQ(callback_history().list({.state = CallbackState::failed}).value().callbacks.at(0).last->http_status, 500);
}

TEST_P(CallbackHistoryConformance, WhatIsOverIsSentAgain) {
  for (const CallbackState over : {CallbackState::delivered, CallbackState::failed, CallbackState::stopped}) {
    const std::int64_t id = ended();
    const auto before = find(id);
    deliver(over, 500);
    int published = 0;
    const auto subscription = feed().subscribe(Change::Kind::callbacks_due, [&](const Change&) { ++published; });
    ASSERT_TRUE(callback_history().send_again(id));
    EXPECT_EQ(published, 1);
    EXPECT_EQ(find(id).callback.state, CallbackState::pending);
    EXPECT_EQ(look(before.callback.upload).callback_state, CallbackState::pending);
    const auto claimed = claim_callbacks();
    ASSERT_EQ(claimed.size(), 1U);
    EXPECT_EQ(claimed[0].webhook_id, before.callback.webhook_id);
    EXPECT_EQ(claimed[0].body, before.body);
    EXPECT_EQ(claimed[0].attempts, 0) << "its schedule begins anew";
    ASSERT_TRUE(callbacks().record({{claimed[0], {milliseconds(1), 200, "", CallbackState::delivered, {}}}}));
    EXPECT_EQ(find(id).attempts.back().number, 2);
  }
}

TEST_P(CallbackHistoryConformance, WhatWaitsIsDueNow) {
  const std::int64_t id = ended();
  deliver(CallbackState::pending, 503, seconds(3600));
  EXPECT_TRUE(claim_callbacks().empty());
  ASSERT_TRUE(callback_history().send_again(id));
  EXPECT_EQ(callbacks().next_due().value(), milliseconds(0));
  EXPECT_EQ(claim_callbacks().size(), 1U);
}

TEST_P(CallbackHistoryConformance, WhatIsUnderWayIsLeftAlone) {
  const std::int64_t id = ended();
  const auto claimed = claim_callbacks();
  const auto refused = callback_history().send_again(id);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::wrong_state);
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_TRUE(
      callbacks().record({{claimed[0], {milliseconds(1), 200, "", CallbackState::delivered, {}}}}).value().empty());
  EXPECT_EQ(find(id).callback.state, CallbackState::delivered);
}

TEST_P(CallbackHistoryConformance, AWorkerThatLostItsLeaseRecordsNothing) {
  const std::int64_t id = ended();
  const auto claimed = claim_callbacks();
  ASSERT_EQ(claimed.size(), 1U);
  clock_.advance(kLease);
  ASSERT_TRUE(callback_history().send_again(id));
  EXPECT_EQ(callbacks().record({{claimed[0], {milliseconds(1), 410, "gone", CallbackState::stopped, {}}}}).value(),
            (std::vector<std::int64_t>{id}));
  EXPECT_EQ(find(id).callback.state, CallbackState::pending);
  EXPECT_TRUE(find(id).attempts.empty());
}

TEST_P(CallbackHistoryConformance, OnlyTheLastAttemptsAreKept) {
  const std::int64_t id = ended();
  for (int sent = 0; sent < 15; ++sent) {
    for (int i = 0; i < 9; ++i) deliver(CallbackState::pending, 500);
    deliver(CallbackState::failed, 500);
    ASSERT_TRUE(callback_history().send_again(id));
  }
  const CallbackStory story = find(id);
  EXPECT_EQ(story.callback.attempts, 150);
  EXPECT_LE(story.attempts.size(), static_cast<std::size_t>(kKeptCallbackAttempts));
  EXPECT_GE(story.attempts.size(), 90U);
  EXPECT_EQ(story.attempts.back().number, 150);
  EXPECT_EQ(story.attempts.front().number, 151 - std::ssize(story.attempts));
}

VODLIFT_INSTANTIATE_CONFORMANCE(CallbackHistoryConformance);

}  // namespace
}  // namespace vodlift::conformance
