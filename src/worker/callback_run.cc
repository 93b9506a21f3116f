#include "worker/callback_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/encoding.h"
#include "base/log.h"
#include "base/random.h"
#include "core/retry_policy.h"

namespace vodlift::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

// One look at what is due goes so far; the next one continues.
constexpr int kAccountsALook = 64;
constexpr int kReceiversALook = 1024;
constexpr std::size_t kMaxTurns = 4096;
// A delivery takes 15 s at most.
constexpr milliseconds kCallbackLease = 30s;
constexpr milliseconds kLongestWait = 15s;
// Between two claims that find nothing or fail: each one writes to the database.
constexpr milliseconds kShortestWait = 1s;
constexpr std::size_t kMaxErrorBytes = 500;

}  // namespace

CallbackAttempt judge_delivery(const ClaimedCallback& callback, const Result<CallbackAnswer>& answer, milliseconds took,
                               double unit) {
  CallbackAttempt attempt;
  attempt.took = took;
  std::optional<std::chrono::seconds> retry_after;
  if (answer) {
    attempt.http_status = answer->http_status;
    retry_after = answer->retry_after;
    if (answer->http_status >= 200 && answer->http_status < 300) {
      attempt.next = CallbackState::delivered;
      return attempt;
    }
    attempt.error = fmt::format("the receiver answered {}", answer->http_status);
    if (answer->http_status == 410) {
      attempt.next = CallbackState::stopped;
      return attempt;
    }
  } else {
    attempt.error = printable(answer.error().for_operator(), kMaxErrorBytes);
  }
  const auto delay = callback_retry_delay(callback.attempts + 1, retry_after, unit);
  attempt.next = delay ? CallbackState::pending : CallbackState::failed;
  if (delay) attempt.delay = *delay;
  return attempt;
}

CallbackRun::CallbackRun(CallbackQueue& queue, ChangeFeed& feed, const AccountDirectory& accounts,
                         CallbackSender& sender, milliseconds slow)
    : queue_(queue),
      accounts_(accounts),
      sender_(sender),
      places_(slow),
      due_(feed.subscribe(Change::Kind::callbacks_due, [this](const Change&) { loop_.wake(); })) {}

void CallbackRun::start() {
  loop_.start("callbacks", [this] { loop(); });
}

void CallbackRun::stop() { loop_.stop(); }

void CallbackRun::loop() {
  while (!loop_.stopping() || places_.under_way() > 0) {
    loop_.wait_for(loop_.stopping() ? kLongestWait : send_what_may_go());
    std::deque<Delivered> delivered;
    {
      const std::lock_guard lock(mutex_);
      delivered.swap(delivered_);
    }
    if (!delivered.empty()) record(delivered);
  }
}

// Returns how long to wait if nothing else happens.
milliseconds CallbackRun::send_what_may_go() {
  if (places_.free() == 0) return kLongestWait;  // a delivery that ends wakes the loop
  const auto now = steady_clock::now();
  if (now < claim_not_before_) return std::chrono::ceil<milliseconds>(claim_not_before_ - now);
  Chosen chosen;
  auto claimed = Result<std::vector<ClaimedCallback>>();
  if (const auto looked = choose(chosen); !looked) {
    claimed = looked.error();
  } else if (!chosen.empty()) {
    std::vector<std::int64_t> ids;
    for (const auto& [id, receiver] : chosen) ids.push_back(id);
    claimed = queue_.claim(ids, kCallbackLease);
  }
  if (!claimed) log::error("callbacks cannot be claimed", {{"reason", claimed.error().for_operator()}});
  const bool nothing_to_send = claimed && chosen.empty();
  const bool sends = claimed && !claimed->empty();
  if (sends) {
    for (ClaimedCallback& callback : *claimed) {
      chosen.erase(callback.id);
      send(std::move(callback));
    }
  }
  for (const auto& [id, receiver] : chosen) places_.give_back(receiver.first, receiver.second);
  if (nothing_to_send) return time_to_next();
  if (!sends) claim_not_before_ = steady_clock::now() + kShortestWait;
  return sends ? 0ms : kShortestWait;
}

Result<> CallbackRun::choose(Chosen& chosen) {
  const auto due = queue_.due_accounts(next_account_, kAccountsALook);
  if (!due) return due.error();
  int receivers = kReceiversALook;
  for (const AccountId account : *due) {
    if (places_.free() == 0 || receivers == 0) break;
    next_account_ = account + 1;
    if (!places_.open(account)) continue;
    const auto looked = choose_of(account, receivers, chosen);
    if (!looked) return looked.error();
    receivers -= *looked;
  }
  return {};
}

// Answers how many receivers it looked at, `receivers` at most.
Result<int> CallbackRun::choose_of(AccountId account, int receivers, Chosen& chosen) {
  if (last_turn_.size() >= kMaxTurns && !last_turn_.contains(account)) last_turn_.clear();
  std::string& last_turn = last_turn_[account];
  const auto due = queue_.due_receivers(account, last_turn, receivers, CallbackPlaces::kOfReceiver);
  if (!due || due->empty()) return due ? Result<int>(0) : due.error();
  last_turn = due->back().receiver;
  for (const DueReceiver& one : *due) {
    const int places = places_.take(account, one.receiver, static_cast<int>(std::ssize(one.ids)), steady_clock::now());
    for (const std::int64_t id : std::span(one.ids).first(static_cast<std::size_t>(places))) {
      chosen.emplace(id, std::pair(account, one.receiver));
    }
    if (places > 0) last_turn = one.receiver;
  }
  return static_cast<int>(std::ssize(*due));
}

milliseconds CallbackRun::time_to_next() const {
  const auto due = queue_.next_due();
  if (!due || !*due) return kLongestWait;
  return std::clamp(**due, kShortestWait, kLongestWait);
}

void CallbackRun::send(ClaimedCallback callback) {
  CallbackMessage message{callback.url, callback.webhook_id, callback.body, Secret()};
  if (const auto account = accounts_.find_account(callback.account)) message.secret = account->webhook_secret;
  sender_.send(std::move(message),
               [this, callback = std::move(callback), started = steady_clock::now()](Result<CallbackAnswer> answer) {
                 const auto took = std::chrono::ceil<milliseconds>(steady_clock::now() - started);
                 const std::lock_guard lock(mutex_);
                 delivered_.push_back({callback, std::move(answer), took});
                 loop_.wake();  // under the lock: after the last delivery this object may be gone
               });
}

void CallbackRun::record(const std::deque<Delivered>& delivered) {
  std::vector<RecordedAttempt> attempts;
  for (const auto& [callback, answer, took] : delivered) {
    // This process stopped and cut the delivery off. It does not count as an attempt; it is repeated when the lease
    // expires.
    if (!answer && answer.error().code == Errc::interrupted) {
      places_.give_back(callback.account, callback.receiver);
      continue;
    }
    places_.ended(callback.account, callback.receiver, took, steady_clock::now());
    attempts.push_back({callback, judge_delivery(callback, answer, took, random_unit())});
    const CallbackAttempt& attempt = attempts.back().attempt;
    log::info("callback attempted", {{"upload", callback.upload},
                                     {"result", to_string(attempt.next)},
                                     {"http_status", attempt.http_status},
                                     {"error", attempt.error}});
  }
  if (attempts.empty()) return;
  const auto lost = queue_.record(attempts);
  for (const auto& [callback, attempt] : attempts) {
    if (lost && std::ranges::find(*lost, callback.id) == lost->end()) continue;
    log::error("a callback attempt could not be recorded",
               {{"upload", callback.upload}, {"reason", lost ? "its lease is lost" : lost.error().for_operator()}});
  }
}

}  // namespace vodlift::worker
