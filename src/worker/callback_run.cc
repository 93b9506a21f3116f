#include "worker/callback_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/log.h"
#include "base/random.h"
#include "core/retry_policy.h"

namespace vodlift::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr int kMaxInFlight = 32;
constexpr int kMaxInFlightOfSlow = 8;      // for one account
constexpr int kMaxInFlightOfAllSlow = 24;  // so that there are places left, however many accounts are slow
constexpr milliseconds kSlowFor = 60s;     // how long an account stays slow
// A delivery takes 15 s at most. A callback that is claimed and not sent is due again when its lease expires.
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
    attempt.error = printable(answer.error().message, kMaxErrorBytes);
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
      slow_(slow),
      due_(feed.subscribe(Change::Kind::callbacks_due, [this](const Change&) { loop_.wake(); })) {}

void CallbackRun::start() {
  loop_.start("callbacks", [this] { loop(); });
}

void CallbackRun::stop() { loop_.stop(); }

void CallbackRun::loop() {
  while (!loop_.stopping() || in_flight_ > 0) {
    loop_.wait_for(loop_.stopping() ? kLongestWait : claim());
    std::deque<Delivered> delivered;
    {
      const std::lock_guard lock(mutex_);
      delivered.swap(delivered_);
    }
    for (const Delivered& one : delivered) record(one);
  }
}

// Sends what is due, as far as there are places. Returns how long to wait if nothing else happens.
milliseconds CallbackRun::claim() {
  const int places = kMaxInFlight - in_flight_;
  if (places == 0) return kLongestWait;  // a delivery that ends wakes the loop
  const auto now = steady_clock::now();
  if (now < claim_not_before_) return std::chrono::ceil<milliseconds>(claim_not_before_ - now);
  auto due = queue_.claim(places, kCallbackLease);
  if (!due) {
    claim_not_before_ = steady_clock::now() + kShortestWait;
    log::error("callbacks cannot be claimed", {{"reason", due.error().message}});
    return kShortestWait;
  }
  for (ClaimedCallback& callback : *due) {
    // A callback that may not be sent now is due again when its lease expires, after those of others.
    if (may_send(callback.account)) send(std::move(callback));
  }
  return static_cast<int>(due->size()) < places ? time_to_next() : 0ms;
}

bool CallbackRun::may_send(AccountId account) const {
  const auto now = steady_clock::now();
  const auto is_slow = [&](AccountId one) {
    const auto slow = slow_until_.find(one);
    return slow != slow_until_.end() && slow->second >= now;
  };
  if (!is_slow(account)) return true;
  int of_all_slow = 0;
  for (const auto& [one, count] : in_flight_of_) {
    if (is_slow(one)) of_all_slow += count;
    if (one == account && count >= kMaxInFlightOfSlow) return false;
  }
  return of_all_slow < kMaxInFlightOfAllSlow;
}

milliseconds CallbackRun::time_to_next() const {
  const auto due = queue_.next_due();
  if (!due || !*due) return kLongestWait;
  return std::clamp(**due, kShortestWait, kLongestWait);
}

void CallbackRun::send(ClaimedCallback callback) {
  ++in_flight_;
  ++in_flight_of_[callback.account];
  CallbackMessage message{callback.url, callback.webhook_id, callback.body, Secret()};
  if (const auto account = accounts_.find_account(callback.account)) message.secret = account->webhook_secret;
  sender_.send(std::move(message),
               [this, callback = std::move(callback), started = steady_clock::now()](Result<CallbackAnswer> answer) {
                 const std::lock_guard lock(mutex_);
                 delivered_.push_back({callback, std::move(answer), started});
                 loop_.wake();  // under the lock: after the last delivery this object may be gone
               });
}

void CallbackRun::record(const Delivered& delivered) {
  const AccountId account = delivered.callback.account;
  --in_flight_;
  if (--in_flight_of_[account] == 0) in_flight_of_.erase(account);
  const auto took = std::chrono::ceil<milliseconds>(steady_clock::now() - delivered.started);
  if (took > slow_) slow_until_[account] = steady_clock::now() + kSlowFor;
  // This process stopped and cut the delivery off. It does not count as an attempt; it is repeated when the lease
  // expires.
  if (!delivered.answer && delivered.answer.error().code == Errc::interrupted) return;
  const CallbackAttempt attempt = judge_delivery(delivered.callback, delivered.answer, took, random_unit());
  log::info("callback attempted", {{"upload", delivered.callback.upload},
                                   {"result", to_string(attempt.next)},
                                   {"http_status", attempt.http_status},
                                   {"error", attempt.error}});
  if (const auto recorded = queue_.record(delivered.callback, attempt); !recorded) {
    log::error("a callback attempt could not be recorded",
               {{"upload", delivered.callback.upload}, {"reason", recorded.error().message}});
  }
}

}  // namespace vodlift::worker
