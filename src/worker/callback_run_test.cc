#include "worker/callback_run.h"

#include <gtest/gtest.h>

#include <future>

#include "worker/fakes_test.h"

namespace vodlift::worker {
namespace {

using namespace std::chrono_literals;

CallbackAttempt judge(int attempts, Result<CallbackAnswer> answer) {
  ClaimedCallback callback;
  callback.attempts = attempts;
  return judge_delivery(callback, answer, 20ms, 0.0);
}

TEST(JudgeDelivery, Any2xxIsDelivered) {
  for (const int status : {200, 201, 204, 299}) {
    EXPECT_EQ(judge(0, CallbackAnswer{status, {}}).next, CallbackState::delivered);
  }
}

TEST(JudgeDelivery, GoneStopsIt) { EXPECT_EQ(judge(0, CallbackAnswer{410, {}}).next, CallbackState::stopped); }

TEST(JudgeDelivery, RedirectsAndErrorsAreTriedAgain) {
  for (const int status : {301, 302, 307, 400, 404, 500, 503}) {
    const CallbackAttempt attempt = judge(0, CallbackAnswer{status, {}});
    EXPECT_EQ(attempt.next, CallbackState::pending) << status;
    EXPECT_EQ(attempt.delay, 5s);
    EXPECT_EQ(attempt.http_status, status);
  }
  EXPECT_EQ(judge(0, Error{Errc::address_denied, "private"}).next, CallbackState::pending);
}

TEST(JudgeDelivery, RetryAfterIsHonoured) { EXPECT_EQ(judge(0, CallbackAnswer{503, 3600s}).delay, 1h); }

TEST(JudgeDelivery, TheLastAttemptFails) {
  const CallbackAttempt attempt = judge(9, Error{Errc::timeout, "no answer in 15 s"});
  EXPECT_EQ(attempt.next, CallbackState::failed);
  EXPECT_EQ(attempt.error, "no answer in 15 s");
}

class AcceptingReceiver final : public CallbackSender {
 public:
  void send(CallbackMessage message, Done done) override {
    sent.push_back(std::move(message));
    done(CallbackAnswer{204, {}});
  }
  std::vector<CallbackMessage> sent;
};

// A queue of which each test scripts what it needs.
class ScriptedCallbacks : public CallbackQueue {
 public:
  Result<> record(const ClaimedCallback&, const CallbackAttempt&) override { return {}; }
  Result<> reclaim() override { return {}; }
  Result<std::optional<std::chrono::milliseconds>> next_due() override {
    return std::optional<std::chrono::milliseconds>();
  }
};

// A queue with one callback due, which reports when its delivery has been recorded.
class OneCallback final : public ScriptedCallbacks {
 public:
  Result<std::vector<ClaimedCallback>> claim(int, std::chrono::milliseconds) override {
    if (std::exchange(claimed_, true)) return std::vector<ClaimedCallback>();
    ClaimedCallback callback;
    callback.webhook_id = "msg_1";
    callback.url = "http://example.org/";
    return std::vector<ClaimedCallback>{callback};
  }
  Result<> record(const ClaimedCallback& callback, const CallbackAttempt& attempt) override {
    recorded.set_value({callback.webhook_id, attempt.next});
    return {};
  }
  std::promise<std::pair<std::string, CallbackState>> recorded;

 private:
  bool claimed_ = false;
};

TEST(CallbackRun, DeliversWhatIsDueAndRecordsIt) {
  OneCallback uploads;
  OneBucket accounts;
  AcceptingReceiver receiver;
  LocalChangeFeed feed;
  CallbackRun run(uploads, feed, accounts.directory, receiver);
  run.start();
  const auto [id, state] = uploads.recorded.get_future().get();
  run.stop();
  EXPECT_EQ(id, "msg_1");
  EXPECT_EQ(state, CallbackState::delivered);
  ASSERT_EQ(receiver.sent.size(), 1U);
  EXPECT_EQ(receiver.sent[0].url, "http://example.org/");
}

// Reports how long after the first claim the second one came. Something is always due, and no claim finds it.
class UnclaimableCallbacks final : public ScriptedCallbacks {
 public:
  explicit UnclaimableCallbacks(bool fails) : fails_(fails) {}
  Result<std::vector<ClaimedCallback>> claim(int, std::chrono::milliseconds) override {
    const auto now = std::chrono::steady_clock::now();
    if (++claims_ == 1) first_ = now;
    if (claims_ == 2) pause.set_value(now - first_);
    if (!fails_) return std::vector<ClaimedCallback>();
    wake();
    return Error{Errc::store_failed, "disk full"};
  }
  Result<std::optional<std::chrono::milliseconds>> next_due() override {
    return std::optional<std::chrono::milliseconds>(0ms);
  }

  std::function<void()> wake;
  std::promise<std::chrono::steady_clock::duration> pause;

 private:
  const bool fails_;
  int claims_ = 0;
  std::chrono::steady_clock::time_point first_;
};

TEST(CallbackRun, DoesNotClaimAgainAtOnceAfterAFailureOrAClaimThatFoundNothing) {
  for (const bool fails : {true, false}) {
    UnclaimableCallbacks uploads(fails);
    OneBucket accounts;
    AcceptingReceiver receiver;
    LocalChangeFeed feed;
    CallbackRun run(uploads, feed, accounts.directory, receiver);
    uploads.wake = [&feed] { feed.publish({Change::Kind::callbacks_due}); };
    run.start();
    EXPECT_GE(uploads.pause.get_future().get(), 1s) << fails;
    run.stop();
  }
}

constexpr AccountId kSlowAccount = 1;  // and those after it
constexpr AccountId kOtherAccount = 100;

// One callback of each slow account, then many more of them, then one of another account.
class Backlog final : public ScriptedCallbacks {
 public:
  explicit Backlog(int slow_accounts = 1) : slow_accounts_(slow_accounts) {}

  Result<std::vector<ClaimedCallback>> claim(int places, std::chrono::milliseconds) override {
    const int claim = claims_++;
    if (claim < slow_accounts_) return some(1, kSlowAccount + claim);
    if (claim < 2 * slow_accounts_) return some(std::min(20, places), kSlowAccount + claim - slow_accounts_);
    return claim == 2 * slow_accounts_ ? some(1, kOtherAccount) : some(0, kOtherAccount);
  }
  Result<> record(const ClaimedCallback& callback, const CallbackAttempt&) override {
    if (callback.account == kOtherAccount) other_delivered.set_value();
    return {};
  }
  Result<std::optional<std::chrono::milliseconds>> next_due() override {
    return std::optional<std::chrono::milliseconds>(0ms);
  }

  std::promise<void> other_delivered;

 private:
  static std::vector<ClaimedCallback> some(int count, AccountId account) {
    ClaimedCallback callback;
    callback.account = account;
    callback.url = account == kOtherAccount ? "http://other.example/" : "http://slow.example/";
    return std::vector<ClaimedCallback>(static_cast<std::size_t>(count), callback);
  }

  const int slow_accounts_;
  int claims_ = 0;
};

// Answers the first calls at once, and then never to the slow accounts.
class HangingReceiver final : public CallbackSender {
 public:
  explicit HangingReceiver(int answers = 1) : answers_(answers) {}

  void send(CallbackMessage message, Done done) override {
    if (message.url == "http://slow.example/" && ++calls_ > answers_) return held.push_back(std::move(done));
    done(CallbackAnswer{204, {}});
  }
  std::vector<Done> held;

 private:
  const int answers_;
  int calls_ = 0;
};

TEST(CallbackRun, ManySlowReceiversLeavePlacesForOthers) {
  constexpr int kSlowAccounts = 6;
  Backlog uploads(kSlowAccounts);
  OneBucket accounts;
  HangingReceiver receiver(kSlowAccounts);
  LocalChangeFeed feed;
  CallbackRun run(uploads, feed, accounts.directory, receiver, /*slow=*/0ms);
  run.start();
  EXPECT_EQ(uploads.other_delivered.get_future().wait_for(10s), std::future_status::ready);
  EXPECT_EQ(receiver.held.size(), 24U);
  for (const auto& done : receiver.held) done(Error{Errc::timeout, "no answer in 15 s"});
  run.stop();
}

TEST(CallbackRun, ASlowReceiverLeavesPlacesForOthers) {
  Backlog uploads;
  OneBucket accounts;
  HangingReceiver receiver;
  LocalChangeFeed feed;
  CallbackRun run(uploads, feed, accounts.directory, receiver, /*slow=*/0ms);
  run.start();
  EXPECT_EQ(uploads.other_delivered.get_future().wait_for(10s), std::future_status::ready);
  EXPECT_EQ(receiver.held.size(), 8U) << "the others are put off, not sent";
  for (const auto& done : receiver.held) done(Error{Errc::timeout, "no answer in 15 s"});
  run.stop();
}

}  // namespace
}  // namespace vodlift::worker
