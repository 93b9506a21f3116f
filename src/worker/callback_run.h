// Delivers callbacks that are due and records every attempt.
#pragma once

#include <array>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "base/metrics.h"
#include "base/words.h"
#include "base/worker_thread.h"
#include "core/account_directory.h"
#include "core/callback_queue.h"
#include "core/callback_receivers.h"
#include "core/callback_sender.h"
#include "core/change_feed.h"
#include "core/rate_limiter.h"
#include "worker/callback_places.h"

namespace vodlift::worker {

// What one delivery leads to. 2xx: delivered. 410: stopped. Anything else: retried after callback_retry_delay(), and
// failed after the last attempt. `unit` is uniform in [0, 1), for jitter.
CallbackAttempt judge_delivery(const ClaimedCallback& callback, const Result<CallbackAnswer>& answer,
                               std::chrono::milliseconds took, double unit);

// Attempts to deliver callbacks, by what they led to. Any thread.
struct CallbackMetrics {
  std::array<Counter, Words<CallbackState>::kCount> attempts;  // `pending`: to be tried again
  Histogram seconds;
  Gauge under_way;

  void write(MetricsText& text) const;
};

// Sends callbacks that are due, from one thread of its own: accounts in turn, the receivers of each in turn, as far as
// CallbackPlaces allows. What may not go yet is neither claimed nor changed. What is due to a disabled receiver fails,
// see DisabledReceivers. A host and port gets no more than the rate of use(), whichever accounts send to it. A receiver
// is slow if it took longer than `slow`. start() and stop() are called from one thread. Everything given must outlive
// it.
class CallbackRun {
 public:
  CallbackRun(CallbackQueue& queue, ChangeFeed& feed, AccountDirectory& accounts, CallbackSender& sender,
              const DisabledReceivers& disabled, std::chrono::milliseconds slow = std::chrono::seconds(5));
  CallbackRun(const CallbackRun&) = delete;
  CallbackRun& operator=(const CallbackRun&) = delete;
  // Like stop().
  ~CallbackRun() { stop(); }

  // At most so many deliveries a second to one host and port begin from now on, and the fifth part of them at once; 0,
  // and before the first call: no limit. Any thread.
  void use(int per_receiver_per_s);

  void start();
  // Claims nothing new, and waits for deliveries under way (bounded by the sender's time limit). May be called twice.
  void stop();

  [[nodiscard]] const CallbackMetrics& metrics() const { return metrics_; }

 private:
  struct Delivery {
    ClaimedCallback callback;
    std::unique_ptr<CallbackPlace> place;
    SteadyTime started{};
    Result<CallbackAnswer> answer = Error{};
    std::chrono::milliseconds took{};
  };
  // A delivery moves from list to list, so that none is lost where there is no memory.
  using Deliveries = std::list<Delivery>;

  // Callbacks for which a place was taken.
  using Chosen = std::map<std::int64_t, std::unique_ptr<CallbackPlace>>;
  // What one look at all that is due led to.
  struct Look {
    Chosen chosen;
    bool refused = false;  // callbacks to a disabled receiver have failed; there may be more of them
    // Until a receiver that its rate holds may get one; and the first account that gets none to such a receiver.
    std::optional<std::chrono::milliseconds> held_for{};
    AccountId held = 0;
  };

  static constexpr std::size_t kPacedReceivers = 4096;

  void loop();
  std::chrono::milliseconds send_what_may_go();
  Result<> choose(Look& look);
  Result<int> choose_of(AccountId account, int receivers, Look& look);
  Result<std::size_t> how_many_may_go(AccountId account, const DueReceiver& to, Look& look);
  void choose_to(AccountId account, const std::string& receiver, std::span<const std::int64_t> ids, Look& look);
  void send(ClaimedCallback callback, std::unique_ptr<CallbackPlace> place);
  void answered(Deliveries::iterator delivery, Result<CallbackAnswer> answer);
  void record_what_ended();
  void record();
  std::chrono::milliseconds time_to_next() const;

  CallbackQueue& queue_;
  AccountDirectory& accounts_;
  CallbackSender& sender_;
  const DisabledReceivers& disabled_;

  RateLimiter rates_{{}, kPacedReceivers};

  // Of the thread.
  CallbackPlaces places_;  // outlives the deliveries
  Deliveries to_record_;
  CallbackMetrics metrics_;

  std::mutex mutex_;  // guards the next two
  Deliveries under_way_;
  Deliveries ended_;

  // Of the thread.
  AccountId next_account_ = 0;                  // whose turn it is
  std::map<AccountId, std::string> last_turn_;  // the receiver that was looked at last; for 4096 accounts at most
  std::chrono::steady_clock::time_point claim_not_before_;
  WorkerThread loop_;

  const ChangeFeed::Subscription due_;  // the last member: it ends first
};

}  // namespace vodlift::worker
