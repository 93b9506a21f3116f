#include "worker/callback_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "worker/fakes_test.h"
#include "worker/watched_ports_test.h"

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

constexpr AccountId kSlowAccount = 1;  // and those after it
constexpr AccountId kOtherAccount = 100;

std::string url_of(AccountId account) {
  return account == kOtherAccount ? "http://other.example/" : "http://slow.example/";
}

// Answers the first calls at once, and then holds those to the slow accounts until release().
class HangingReceiver final : public CallbackSender {
 public:
  explicit HangingReceiver(int answers) : answers_(answers) {}

  void send(CallbackMessage message, Done done) override {
    {
      const std::lock_guard lock(mutex_);
      if (message.url == url_of(kSlowAccount) && ++calls_ > answers_ && !answer_)
        return held_.push_back(std::move(done));
    }
    done(CallbackAnswer{204, {}});
  }

  [[nodiscard]] std::size_t held() {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }

  // Answers what is held, and from now on every call.
  void release(const Result<CallbackAnswer>& answer) {
    std::vector<Done> held;
    {
      const std::lock_guard lock(mutex_);
      answer_ = true;
      held.swap(held_);
    }
    for (const Done& done : held) done(answer);
  }

 private:
  const int answers_;
  std::mutex mutex_;  // guards all below
  int calls_ = 0;
  bool answer_ = false;
  std::vector<Done> held_;
};

const Error kNoAnswer{Errc::timeout, "no answer in 15 s"};

class CallbackRunTest : public testing::Test {
 protected:
  // An upload of this account ends; its callback is due.
  UploadId end_upload(AccountId account) {
    UploadRequest request;
    request.bucket = "b";
    request.destination_path = std::to_string(++ended_);
    request.callback = url_of(account);
    const UploadId id = stores_.insert(request, 1000, account);
    EXPECT_TRUE(stores_.finish(stores_.claim(id, account).lease, UploadEnding()));
    return id;
  }
  // Set when one more callback of this account is delivered. Once for each account.
  std::future<void> delivery(AccountId account) {
    auto delivered = std::make_shared<std::promise<void>>();
    deliveries_.push_back(stores_.database.feed().subscribe(
        Change::Kind::callbacks_due,
        [this, delivered, account, once = std::make_shared<std::once_flag>()](const Change& change) {
          if (change.account != account) return;
          const bool now = stores_.look(change.upload, account).callback_state == CallbackState::delivered;
          if (now) std::call_once(*once, [&] { delivered->set_value(); });
        }));
    return delivered->get_future();
  }
  // One callback of each slow account is delivered. Then there are many more of them, and one of another account, which
  // is delivered too. Answers how many of the slow accounts are being sent then.
  std::size_t sent_to_slow(int slow_accounts) {
    HangingReceiver receiver(slow_accounts);
    CallbackRun run(queue_, stores_.database.feed(), accounts_.directory, receiver, disabled_, /*slow=*/0ms);
    run.start();
    for (AccountId account = kSlowAccount; account < kSlowAccount + slow_accounts; ++account) {
      auto delivered = delivery(account);
      end_upload(account);
      delivered.wait();
    }
    for (AccountId account = kSlowAccount; account < kSlowAccount + slow_accounts; ++account) {
      for (int i = 0; i < 20; ++i) end_upload(account);
    }
    auto delivered = delivery(kOtherAccount);
    end_upload(kOtherAccount);
    EXPECT_EQ(delivered.wait_for(10s), std::future_status::ready);
    const std::size_t sent = receiver.held();
    receiver.release(kNoAnswer);
    run.stop();
    return sent;
  }

  Stores stores_;
  WatchedCallbacks queue_{stores_.node.callbacks};
  OneBucket accounts_;
  const DisabledReceivers disabled_{std::chrono::days(5)};

 private:
  int ended_ = 0;
  std::vector<ChangeFeed::Subscription> deliveries_;
};

TEST_F(CallbackRunTest, DeliversWhatIsDueAndRecordsIt) {
  const UploadId id = end_upload(kOtherAccount);
  auto delivered = delivery(kOtherAccount);
  AcceptingReceiver receiver;
  CallbackRun run(queue_, stores_.database.feed(), accounts_.directory, receiver, disabled_);
  run.start();
  delivered.wait();
  run.stop();
  EXPECT_EQ(stores_.look(id, kOtherAccount).callback_state, CallbackState::delivered);
  ASSERT_EQ(receiver.sent.size(), 1U);
  EXPECT_EQ(receiver.sent[0].url, url_of(kOtherAccount));
  EXPECT_EQ(receiver.sent[0].body, "body") << "as it was made when the upload ended";
  EXPECT_TRUE(receiver.sent[0].webhook_id.starts_with("msg_"));
  EXPECT_FALSE(stores_.node.callbacks.next_due().value()) << "none is pending any more";
}

// Something is always due, and no claim finds it: another node is faster each time, and never delivers it.
TEST_F(CallbackRunTest, DoesNotClaimAgainAtOnceAfterAFailureOrAClaimThatFoundNothing) {
  end_upload(kOtherAccount);
  for (const bool fails : {true, false}) {
    std::chrono::steady_clock::time_point first;
    std::promise<std::chrono::steady_clock::duration> pause;
    queue_.before["claim"] = [&, claims = 0]() mutable -> Result<> {
      const auto now = std::chrono::steady_clock::now();
      if (++claims == 1) first = now;
      if (claims == 2) pause.set_value(now - first);
      if (fails) {
        stores_.database.feed().publish({Change::Kind::callbacks_due});
        return disk_full();
      }
      const auto due = stores_.other.callbacks.due_receivers(kOtherAccount, "", 1, 1).value();
      EXPECT_EQ(stores_.other.callbacks.claim(due.at(0).ids, 1min).value().size(), 1U);
      return {};
    };
    queue_.before["next_due"] = [&]() -> Result<> {
      stores_.clock.pass(1min);
      return {};
    };
    AcceptingReceiver receiver;
    CallbackRun run(queue_, stores_.database.feed(), accounts_.directory, receiver, disabled_);
    run.start();
    EXPECT_GE(pause.get_future().get(), 1s) << fails;
    run.stop();
    EXPECT_TRUE(receiver.sent.empty());
  }
}

TEST_F(CallbackRunTest, ManySlowReceiversLeavePlacesForOthers) { EXPECT_LE(sent_to_slow(6), 6U * 8); }

TEST_F(CallbackRunTest, ASlowReceiverLeavesPlacesForOthers) {
  EXPECT_EQ(sent_to_slow(1), 8U) << "the others are put off, not sent";
}

// What may not go is neither leased nor written.
TEST_F(CallbackRunTest, ABacklogIsLeftAloneWhileItsReceiverIsBusy) {
  HangingReceiver receiver(/*answers=*/0);
  for (int i = 0; i < 100; ++i) end_upload(kSlowAccount);
  std::size_t claimed = 0;
  int looks = 0;
  std::promise<void> looked_again;
  queue_.before["claim"] = [&]() -> Result<> { return ++claimed, Result<>(); };
  queue_.before["next_due"] = [&]() -> Result<> {
    if (++looks == 2) looked_again.set_value();
    return {};
  };
  CallbackRun run(queue_, stores_.database.feed(), accounts_.directory, receiver, disabled_);
  run.start();
  looked_again.get_future().wait();
  EXPECT_EQ(claimed, 1U);
  EXPECT_EQ(receiver.held(), 8U);
  const auto due = stores_.other.callbacks.due_receivers(kSlowAccount, "", 1, 1000).value();
  EXPECT_EQ(due.at(0).ids.size(), 92U);
  receiver.release(kNoAnswer);
  run.stop();
}

// The receiver of this account has failed for six days.
class DisabledReceiverTest : public CallbackRunTest {
 protected:
  void SetUp() override {
    for (int day = 0; day < 2; ++day) {
      first_ = end_upload(kOtherAccount);
      const auto due = queue_.due_receivers(kOtherAccount, "", 1, 1).value();
      const auto claimed = queue_.claim(due.at(0).ids, 1min).value();
      ASSERT_TRUE(queue_.record({{claimed.at(0), {10ms, 503, "busy", CallbackState::failed, {}}}}));
      if (day == 0) stores_.clock.pass(24h * 6);
    }
  }
  // Sends what is due until nothing is.
  void run_until_idle() {
    std::promise<void> idle;
    queue_.before["next_due"] = [&, once = false]() mutable -> Result<> {
      if (!std::exchange(once, true)) idle.set_value();
      return {};
    };
    CallbackRun run(queue_, stores_.database.feed(), accounts_.directory, receiver_, disabled_);
    run.start();
    idle.get_future().wait();
    run.stop();
    queue_.before.clear();
  }
  CallbackState state_of(UploadId id) { return stores_.look(id, kOtherAccount).callback_state; }

  AcceptingReceiver receiver_;
  UploadId first_ = 0;
};

TEST_F(DisabledReceiverTest, GetsNothing) {
  std::vector<UploadId> ids;
  for (int i = 0; i < 600; ++i) ids.push_back(end_upload(kOtherAccount));
  run_until_idle();
  EXPECT_TRUE(receiver_.sent.empty());
  for (const UploadId id : ids) EXPECT_EQ(state_of(id), CallbackState::failed);
  memory::MemoryCallbackHistory history(stores_.database);
  EXPECT_EQ(history.find_of(ids[0])->attempts.at(0).error,
            "not sent: the receiver is disabled, because all deliveries to it have failed for 6 days");
}

TEST_F(DisabledReceiverTest, IsEnabledByTheOneOfAnHour) {
  stores_.clock.pass(1h);
  const UploadId probe = end_upload(kOtherAccount);
  const UploadId next = end_upload(kOtherAccount);
  run_until_idle();
  EXPECT_EQ(receiver_.sent.size(), 2U) << "the second one when the first has enabled the receiver";
  EXPECT_EQ(state_of(probe), CallbackState::delivered);
  EXPECT_EQ(state_of(next), CallbackState::delivered);
}

TEST_F(DisabledReceiverTest, GetsWhatSomebodySendsAgain) {
  memory::MemoryCallbackHistory history(stores_.database);
  ASSERT_TRUE(history.send_again(history.find_of(first_)->callback.id));
  const UploadId another = end_upload(kOtherAccount);
  run_until_idle();
  EXPECT_EQ(state_of(first_), CallbackState::delivered);
  EXPECT_EQ(state_of(another), CallbackState::failed) << "it came before the receiver was enabled";
  EXPECT_EQ(receiver_.sent.size(), 1U);
}

// Keeps when each was sent.
class TimingReceiver final : public CallbackSender {
 public:
  void send(CallbackMessage message, Done done) override {
    {
      const std::lock_guard lock(mutex_);
      sent_.emplace_back(message.url, std::chrono::steady_clock::now());
    }
    done(CallbackAnswer{204, {}});
  }
  std::vector<std::pair<std::string, std::chrono::steady_clock::time_point>> sent() {
    const std::lock_guard lock(mutex_);
    return sent_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::pair<std::string, std::chrono::steady_clock::time_point>> sent_;
};

TEST_F(CallbackRunTest, AReceiverGetsNoMoreThanItsRateAndHoldsUpNoOther) {
  constexpr AccountId kThird = 3;  // sends to the same receiver as the slow account
  for (int i = 0; i < 12; ++i) end_upload(kSlowAccount);
  const UploadId shared = end_upload(kThird);
  for (int i = 0; i < 2; ++i) end_upload(kOtherAccount);
  TimingReceiver receiver;
  CallbackRun run(queue_, stores_.database.feed(), accounts_.directory, receiver, disabled_);
  run.use(10);  // and two at once
  // Deliveries are told on the thread of the run alone.
  int of_slow = 0;
  std::optional<int> before_shared;
  const auto told = stores_.database.feed().subscribe(Change::Kind::callbacks_due, [&](const Change& change) {
    if (change.account == kSlowAccount) ++of_slow;
    if (change.account == kThird && !before_shared) before_shared = of_slow;
  });
  const auto begin = std::chrono::steady_clock::now();
  run.start();
  for (int i = 0; i < 1000 && receiver.sent().size() < 15; ++i) std::this_thread::sleep_for(10ms);
  run.stop();
  EXPECT_EQ(stores_.look(shared, kThird).callback_state, CallbackState::delivered);
  EXPECT_LT(before_shared.value_or(12), 12) << "its turn came before the other account's last one";
  const auto sent = receiver.sent();
  ASSERT_EQ(sent.size(), 15U);
  const auto to_other = [](const auto& one) { return one.first == url_of(kOtherAccount); };
  EXPECT_EQ(std::count_if(sent.begin(), sent.begin() + 4, to_other), 2) << "they waited for nobody";
  EXPECT_GE(sent.back().second - begin, 1s) << "13 of them: two at once, then one each 100 ms";
}

TEST_F(CallbackRunTest, DeliveriesThatEndTogetherAreRecordedTogether) {
  HangingReceiver receiver(/*answers=*/0);
  for (int i = 0; i < 8; ++i) end_upload(kSlowAccount);
  int records = 0;
  std::promise<void> recorded;
  queue_.before["record"] = [&]() -> Result<> { return ++records, Result<>(); };
  // Called where nothing more may go: first with eight under way, then with none.
  queue_.before["next_due"] = [&, looks = 0]() mutable -> Result<> {
    if (++looks == 1) receiver.release(CallbackAnswer{204, {}});
    if (looks == 2) recorded.set_value();
    return {};
  };
  CallbackRun run(queue_, stores_.database.feed(), accounts_.directory, receiver, disabled_);
  run.start();
  recorded.get_future().wait();
  run.stop();
  EXPECT_EQ(records, 1);
}

}  // namespace
}  // namespace vodlift::worker
