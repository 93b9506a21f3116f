// Delivers callbacks that are due and records every attempt.
#pragma once

#include <deque>
#include <map>
#include <mutex>

#include "base/worker_thread.h"
#include "core/account_directory.h"
#include "core/callback_queue.h"
#include "core/callback_sender.h"
#include "core/change_feed.h"

namespace vodlift::worker {

// What one delivery leads to. 2xx: delivered. 410: stopped. Anything else: retried after callback_retry_delay(), and
// failed after the last attempt. `unit` is uniform in [0, 1), for jitter.
CallbackAttempt judge_delivery(const ClaimedCallback& callback, const Result<CallbackAnswer>& answer,
                               std::chrono::milliseconds took, double unit);

// Sends at most 32 callbacks at once, from one thread of its own. At most 8 of these belong to one slow account. An
// account is slow if one of its deliveries took longer than `slow` within the last minute. start() and stop() are
// called from one thread. Everything given must outlive it.
class CallbackRun {
 public:
  CallbackRun(CallbackQueue& queue, ChangeFeed& feed, const AccountDirectory& accounts, CallbackSender& sender,
              std::chrono::milliseconds slow = std::chrono::seconds(5));
  CallbackRun(const CallbackRun&) = delete;
  CallbackRun& operator=(const CallbackRun&) = delete;
  // Like stop().
  ~CallbackRun() { stop(); }

  void start();
  // Claims nothing new, and waits for deliveries under way (bounded by the sender's time limit). May be called twice.
  void stop();

 private:
  struct Delivered {
    ClaimedCallback callback;
    Result<CallbackAnswer> answer;
    std::chrono::steady_clock::time_point started;
  };

  void loop();
  std::chrono::milliseconds claim();
  bool may_send(AccountId account) const;
  void send(ClaimedCallback callback);
  void record(const Delivered& delivered);
  std::chrono::milliseconds time_to_next() const;

  CallbackQueue& queue_;
  const AccountDirectory& accounts_;
  CallbackSender& sender_;
  const std::chrono::milliseconds slow_;

  std::mutex mutex_;  // guards the next one
  std::deque<Delivered> delivered_;

  // Of the thread.
  int in_flight_ = 0;
  std::map<AccountId, int> in_flight_of_;  // without entries of 0
  std::map<AccountId, std::chrono::steady_clock::time_point> slow_until_;
  std::chrono::steady_clock::time_point claim_not_before_;
  WorkerThread loop_;

  const ChangeFeed::Subscription due_;  // the last member: it ends first
};

}  // namespace vodlift::worker
