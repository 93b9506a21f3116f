#include "worker/callback_run.h"

#include <fmt/format.h>
#include <pthread.h>

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
constexpr milliseconds kSlowFor = 60s;     // an account stays a slow one
constexpr milliseconds kLease = 30s;       // a delivery takes 15 s at most; also how long one is put off
constexpr milliseconds kLongestWait = 15s;
// What is due may be an upload, which is not ours: no reason to write to the database again and again.
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

CallbackRun::CallbackRun(CallbackQueue& queue, const AccountStore& accounts, CallbackSender& sender, milliseconds slow)
    : queue_(queue), accounts_(accounts), sender_(sender), slow_(slow) {}

void CallbackRun::start() {
  thread_ = std::thread([this] { loop(); });
  pthread_setname_np(thread_.native_handle(), "callbacks");
}

void CallbackRun::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  event_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void CallbackRun::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  event_.notify_one();
}

void CallbackRun::loop() {
  bool stopping = false;
  while (!stopping || in_flight_ > 0) {
    const milliseconds patience = stopping ? kLongestWait : claim();
    std::deque<Delivered> delivered;
    {
      std::unique_lock lock(mutex_);
      const bool was_stopping = stopping;
      event_.wait_for(lock, patience, [&] { return woken_ || !delivered_.empty() || stopping_ != was_stopping; });
      woken_ = false;
      stopping = stopping_;
      delivered.swap(delivered_);
    }
    for (const Delivered& one : delivered) record(one);
  }
}

// Sends what is due as far as there are places; answers how long to wait when nothing else happens.
milliseconds CallbackRun::claim() {
  const int places = kMaxInFlight - in_flight_;
  if (places == 0) return kLongestWait;  // a delivery that ends wakes the loop
  const auto now = steady_clock::now();
  if (now < claim_not_before_) return std::chrono::ceil<milliseconds>(claim_not_before_ - now);
  auto due = queue_.claim(places, kLease);
  if (!due) {
    claim_not_before_ = steady_clock::now() + kShortestWait;
    log::error("callbacks cannot be claimed", {{"reason", due.error().message}});
    return kShortestWait;
  }
  for (ClaimedCallback& callback : *due) {
    // Not sent is put off: it is due again when its lease runs out, behind those of others.
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
                 {
                   const std::lock_guard lock(mutex_);
                   delivered_.push_back({callback, std::move(answer), started});
                 }
                 event_.notify_one();
               });
}

void CallbackRun::record(const Delivered& delivered) {
  const AccountId account = delivered.callback.account;
  --in_flight_;
  if (--in_flight_of_[account] == 0) in_flight_of_.erase(account);
  const auto took = std::chrono::ceil<milliseconds>(steady_clock::now() - delivered.started);
  if (took > slow_) slow_until_[account] = steady_clock::now() + kSlowFor;
  // Cut off by our own end: not an attempt the receiver is to answer for; the lease runs out and it is sent again.
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
