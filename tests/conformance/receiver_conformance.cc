// How receivers of callbacks do: the sums that are kept say what a walk of all callbacks finds, whatever happened.
#include <fmt/format.h>

#include <map>
#include <random>

#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ReceiverConformance : public StoreSuite {
 protected:
  // Ends an upload with a callback there.
  std::int64_t ended(const std::string& host, AccountId account = kAccount) {
    NewUpload upload = new_upload("a");
    upload.account = account;
    upload.request.callback = "https://" + host + "/done";
    const UploadId id = insert(upload).id;
    EXPECT_TRUE(finish(claim_one().lease, completed()));
    return callback_history().find_of(id).value().callback.id;
  }

  void record(const ClaimedCallback& callback, CallbackState next, seconds wait = seconds(0)) {
    const bool good = next == CallbackState::delivered;
    ASSERT_TRUE(
        callbacks().record({{callback, {milliseconds(40), good ? 200 : 503, good ? "" : "refused", next, wait}}}));
  }
  void deliver(CallbackState next, seconds wait = seconds(0)) {
    for (const auto& callback : claim_callbacks(200)) record(callback, next, wait);
  }

  std::vector<CallbackReceiver> receivers(AccountId account = 0) {
    return callback_history().receivers(account).value();
  }
  CallbackReceiver only(AccountId account = 0) {
    const auto all = receivers(account);
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? CallbackReceiver() : all.front();
  }
};

TEST_P(ReceiverConformance, CountsWhatWaitsAndHowAttemptsEnded) {
  EXPECT_TRUE(receivers().empty());
  ended("a.example");
  const WallTime begin = clock_.now();
  CallbackReceiver one = only();
  EXPECT_EQ(one.account, kAccount);
  EXPECT_EQ(one.receiver, "a.example:443");
  EXPECT_EQ(one.sums.waiting, 1);
  deliver(CallbackState::pending, seconds(5));
  one = only();
  EXPECT_EQ(one.sums.waiting, 1);
  EXPECT_EQ(one.sums.failed.both(), 1);
  EXPECT_EQ(one.sums.last_error, "refused");
  EXPECT_EQ(one.sums.failing_since, begin);
  EXPECT_EQ(one.sums.latency, milliseconds(40));
  clock_.advance(seconds(5));
  deliver(CallbackState::delivered);
  reopen();
  one = only();
  EXPECT_EQ(one.sums.waiting, 0);
  EXPECT_EQ(one.sums.delivered.both(), 1);
  EXPECT_EQ(one.sums.failing_since, std::nullopt);
  EXPECT_EQ(one.sums.last_success, begin + seconds(5));
  EXPECT_EQ(one.sums.last_failure, begin);
  clock_.advance(hours(72));
  EXPECT_EQ(only().sums.delivered.both(), 0) << "that was before yesterday";
}

TEST_P(ReceiverConformance, AnAttemptWithoutALeaseIsNotCounted) {
  const std::int64_t id = ended("a.example");
  const auto claimed = claim_callbacks();
  clock_.advance(kLease);
  ASSERT_TRUE(callback_history().send_again(id));
  record(claimed.at(0), CallbackState::delivered);
  EXPECT_EQ(only().sums.delivered.both(), 0);
  EXPECT_EQ(only().sums.waiting, 1) << "it waited before it was sent again";
}

TEST_P(ReceiverConformance, WhatIsSentAgainWaitsAgain) {
  const std::int64_t id = ended("a.example");
  deliver(CallbackState::failed);
  EXPECT_EQ(only().sums.waiting, 0);
  ASSERT_TRUE(callback_history().send_again(id));
  ASSERT_TRUE(callback_history().send_again(id));
  EXPECT_EQ(only().sums.waiting, 1);
  deliver(CallbackState::delivered);
  EXPECT_EQ(only().sums.waiting, 0);
}

TEST_P(ReceiverConformance, TellsWhoGetsCallbacksHowLongItHasFailed) {
  const auto due = [&] { return callbacks().due_receivers(kAccount, "", 10, 10).value(); };
  ended("a.example");
  EXPECT_EQ(due().at(0).failing, std::nullopt);
  deliver(CallbackState::pending, hours(1));
  clock_.advance(hours(1));
  callbacks().due_accounts(1, 1).value();
  EXPECT_EQ(due().at(0).failing, (ReceiverFailing{hours(0), hours(1)}));
  deliver(CallbackState::failed);
  clock_.advance(hours(2));
  ended("a.example");
  ended("b.example");
  reopen();
  EXPECT_EQ(due().at(0).failing, (ReceiverFailing{hours(1), hours(2)}));
  EXPECT_EQ(due().at(1).failing, std::nullopt);
  deliver(CallbackState::delivered);
  ended("a.example");
  EXPECT_EQ(due().at(0).failing, std::nullopt);
}

TEST_P(ReceiverConformance, WhatIsRefusedHasFailedWithoutAnAttempt) {
  const std::int64_t again = ended("a.example");
  deliver(CallbackState::failed);
  const WallTime failed = clock_.now();
  clock_.advance(hours(1));
  ASSERT_TRUE(callback_history().send_again(again));
  const std::int64_t first = ended("a.example");
  const std::int64_t second = ended("a.example");
  const std::int64_t third = ended("a.example");
  const std::int64_t other = ended("b.example");
  EXPECT_EQ(callbacks().refuse(kAccount, "a.example:443", "disabled", 2).value(), 2);
  for (const std::int64_t id : {first, second}) {
    const auto story = callback_history().find(id).value();
    EXPECT_EQ(story.callback.state, CallbackState::failed);
    ASSERT_EQ(story.attempts.size(), 1U);
    EXPECT_EQ(story.attempts[0], (CallbackTry{1, clock_.now(), milliseconds(0), 0, "disabled"}));
    EXPECT_EQ(look(story.callback.upload).callback_state, CallbackState::failed);
  }
  EXPECT_EQ(callbacks().refuse(kAccount, "a.example:443", "disabled", 100).value(), 1);
  EXPECT_EQ(callbacks().refuse(kAccount, "a.example:443", "disabled", 100).value(), 0)
      << "somebody has sent the last one again";
  const auto sums = receivers().at(0).sums;
  EXPECT_EQ(sums.waiting, 1);
  EXPECT_EQ(sums.failed.both(), 1);
  EXPECT_EQ(sums.last_failure, failed);
  EXPECT_EQ(sums.last_error, "refused");
  ASSERT_TRUE(callback_history().send_again(third));
  reopen();
  EXPECT_EQ(claim_callbacks().size(), 3U) << "both that were sent again, and the other receiver's " << other;
}

TEST_P(ReceiverConformance, WhatFailedAgainAfterItWasSentAgainIsRefused) {
  const std::int64_t id = ended("a.example");
  deliver(CallbackState::failed);
  ASSERT_TRUE(callback_history().send_again(id));
  deliver(CallbackState::pending, seconds(5));
  EXPECT_EQ(callbacks().refuse(kAccount, "a.example:443", "disabled", 100).value(), 0) << "it is not due";
  clock_.advance(seconds(5));
  const auto claimed = claim_callbacks();
  EXPECT_EQ(callbacks().refuse(kAccount, "a.example:443", "disabled", 100).value(), 0) << "it is under way";
  clock_.advance(kLease);
  callbacks().due_accounts(1, 1).value();
  EXPECT_EQ(callbacks().refuse(kAccount, "a.example:443", "disabled", 100).value(), 1);
  ASSERT_EQ(claimed.size(), 1U);
  const std::vector<RecordedAttempt> late{{claimed[0], {milliseconds(1), 200, "", CallbackState::delivered, {}}}};
  EXPECT_EQ(callbacks().record(late).value(), std::vector<std::int64_t>{id}) << "its lease is lost";
  EXPECT_EQ(callback_history().find(id)->callback.state, CallbackState::failed);
}

TEST_P(ReceiverConformance, ThoseThatFailComeFirst) {
  ended("good.example");
  deliver(CallbackState::delivered);
  ended("late.example");
  deliver(CallbackState::failed);
  clock_.advance(seconds(1));
  ended("later.example", 159);
  deliver(CallbackState::failed);
  ended("waiting.example");
  std::vector<std::string> names;
  for (const CallbackReceiver& one : receivers()) names.push_back(one.receiver);
  EXPECT_EQ(names, (std::vector<std::string>{"late.example:443", "later.example:443", "waiting.example:443",
                                             "good.example:443"}));
  EXPECT_EQ(receivers(159).size(), 1U);
  EXPECT_TRUE(receivers(160).empty());
}

TEST_P(ReceiverConformance, OneAccountHasSoManyAndTheOthersAreCountedTogether) {
  for (int i = 0; i < kMostReceiversOfOne; ++i) ended(fmt::format("{}.example", i));
  const std::int64_t more = ended("more.example");
  EXPECT_EQ(std::ssize(receivers(kAccount)), kMostReceiversListed);
  ended("b.example", 159);
  EXPECT_EQ(only(159).sums.waiting, 1) << "another account has room";
  deliver(CallbackState::delivered);
  clock_.advance(kIdleReceiver);
  ended("new.example");
  EXPECT_EQ(only(kAccount).receiver, "new.example:443") << "all others had nothing to do";
  ASSERT_TRUE(callback_history().send_again(more));
  EXPECT_EQ(receivers(kAccount).size(), 2U) << "there is room for it now";
  EXPECT_EQ(receivers(159).size(), 0U);
  for (const CallbackReceiver& one : receivers()) {
    if (one.account == kOtherReceivers) {
      EXPECT_EQ(one.sums.waiting, 0);
    }
  }
}

// Both stores do the same, and the sums are those of a walk.
TEST_P(ReceiverConformance, TheSumsAreThoseOfAWalk) {
  std::mt19937 random(4711);  // NOLINT: the same at each run
  const auto pick = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
  std::vector<std::int64_t> ids;
  for (int step = 0; step < 300; ++step) {
    switch (pick(4)) {
      case 0:
        ids.push_back(ended(fmt::format("{}.example", pick(3)), 7 + pick(2)));
        break;
      case 1:
        if (!ids.empty())
          (void)callback_history().send_again(ids[static_cast<std::size_t>(pick(static_cast<int>(ids.size())))]);
        break;
      default:
        for (const auto& callback : claim_callbacks(1 + pick(3))) {
          constexpr std::array kNext = {CallbackState::pending, CallbackState::delivered, CallbackState::failed,
                                        CallbackState::stopped};
          record(callback, kNext.at(static_cast<std::size_t>(pick(4))), seconds(pick(3)));
        }
        clock_.advance(seconds(1));
    }
  }
  struct Walked {
    std::int64_t waiting = 0;
    std::int64_t attempts = 0;
  };
  std::map<std::pair<AccountId, std::string>, Walked> walked;
  for (const std::int64_t id : ids) {
    const CallbackView callback = callback_history().find(id).value().callback;
    Walked& one = walked[{callback.account, callback.receiver}];
    one.waiting += callback.state == CallbackState::pending ? 1 : 0;
    one.attempts += callback.attempts;
  }
  ASSERT_EQ(receivers().size(), walked.size());
  for (const CallbackReceiver& one : receivers()) {
    const Walked& found = walked.at({one.account, one.receiver});
    EXPECT_EQ(one.sums.waiting, found.waiting) << one.receiver;
    EXPECT_EQ(one.sums.delivered.both() + one.sums.failed.both(), found.attempts) << one.receiver;
  }
}

VODLIFT_INSTANTIATE_CONFORMANCE(ReceiverConformance);

}  // namespace
}  // namespace vodlift::conformance
