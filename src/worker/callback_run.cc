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
constexpr milliseconds kLease = 60s;  // a delivery takes 15 s at most
constexpr milliseconds kLongestWait = 15s;
constexpr milliseconds kShortestWait = 50ms;
constexpr std::size_t kMaxErrorBytes = 500;

}  // namespace

CallbackAttempt judge_delivery(const ClaimedCallback& callback, const Result<CallbackAnswer>& answer, WallTime now,
                               milliseconds took, double unit) {
  CallbackAttempt attempt;
  attempt.at = now - took;
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
  if (delay) attempt.next_attempt = now + *delay;
  return attempt;
}

CallbackRun::CallbackRun(UploadStore& uploads, const AccountStore& accounts, CallbackSender& sender, const Clock& clock)
    : uploads_(uploads), accounts_(accounts), sender_(sender), clock_(clock) {}

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
    bool all_claimed = true;
    if (!stopping && in_flight_ < kMaxInFlight) {
      auto due = uploads_.claim_callbacks(kMaxInFlight - in_flight_, kLease);
      if (due) {
        all_claimed = static_cast<int>(due->size()) < kMaxInFlight - in_flight_;
        for (ClaimedCallback& callback : *due) send(std::move(callback));
      } else {
        log::error("callbacks cannot be claimed", {{"reason", due.error().message}});
      }
    }
    std::deque<Delivered> delivered;
    const milliseconds patience = all_claimed && !stopping ? time_to_next() : kLongestWait;
    {
      std::unique_lock lock(mutex_);
      const bool was_stopping = stopping;
      event_.wait_for(lock, patience, [&] { return woken_ || !delivered_.empty() || stopping_ != was_stopping; });
      woken_ = false;
      stopping = stopping_;
      delivered.swap(delivered_);
    }
    for (const Delivered& one : delivered) record(one);
    in_flight_ -= static_cast<int>(delivered.size());
  }
}

milliseconds CallbackRun::time_to_next() {
  const auto due = uploads_.next_due();
  if (!due || !*due) return kLongestWait;
  return std::clamp(std::chrono::ceil<milliseconds>(**due - clock_.now()), kShortestWait, kLongestWait);
}

void CallbackRun::send(ClaimedCallback callback) {
  ++in_flight_;
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
  // Cut off by our own end: not an attempt the receiver is to answer for; the lease runs out and it is sent again.
  if (!delivered.answer && delivered.answer.error().code == Errc::interrupted) return;
  const auto took = std::chrono::ceil<milliseconds>(steady_clock::now() - delivered.started);
  const CallbackAttempt attempt =
      judge_delivery(delivered.callback, delivered.answer, clock_.now(), took, random_unit());
  log::info("callback attempted", {{"upload", delivered.callback.upload},
                                   {"result", to_string(attempt.next)},
                                   {"http_status", attempt.http_status},
                                   {"error", attempt.error}});
  if (const auto recorded = uploads_.record_callback(delivered.callback, attempt); !recorded) {
    log::error("a callback attempt could not be recorded",
               {{"upload", delivered.callback.upload}, {"reason", recorded.error().message}});
  }
}

}  // namespace vodlift::worker
