// Delivers pending callbacks and records every attempt.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "core/account_store.h"
#include "core/callback_queue.h"
#include "core/callback_sender.h"

namespace vodlift::worker {

// What one delivery led to. 2xx: delivered; 410: stopped; anything else: again by callback_retry_delay(), failed after
// the last. `unit` is uniform in [0, 1), for jitter.
CallbackAttempt judge_delivery(const ClaimedCallback& callback, const Result<CallbackAnswer>& answer,
                               std::chrono::milliseconds took, double unit);

// Sends at most 32 at once, on one thread of its own; of them at most 8 of an account that is slow: one of its
// deliveries took longer than `slow` within the last minute. start() and stop() from one thread, wake() from any.
class CallbackRun {
 public:
  CallbackRun(CallbackQueue& queue, const AccountStore& accounts, CallbackSender& sender,
              std::chrono::milliseconds slow = std::chrono::seconds(5));
  CallbackRun(const CallbackRun&) = delete;
  CallbackRun& operator=(const CallbackRun&) = delete;
  ~CallbackRun() { stop(); }

  void start();
  // Claims nothing new; waits for what is under way (bounded by the sender's time limit). May be called twice.
  void stop();
  // A callback may be due.
  void wake();

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
  const AccountStore& accounts_;
  CallbackSender& sender_;
  const std::chrono::milliseconds slow_;

  std::mutex mutex_;  // guards the next four
  std::condition_variable event_;
  bool stopping_ = false;
  bool woken_ = false;
  std::deque<Delivered> delivered_;

  // The rest belongs to the thread.
  int in_flight_ = 0;
  std::map<AccountId, int> in_flight_of_;  // where not 0
  std::map<AccountId, std::chrono::steady_clock::time_point> slow_until_;
  std::chrono::steady_clock::time_point claim_not_before_;
  std::thread thread_;
};

}  // namespace vodlift::worker
