// Hands queued uploads to a fixed number of threads and keeps their leases alive.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/callback_sender.h"
#include "core/change_feed.h"
#include "worker/active_run.h"
#include "worker/callback_run.h"
#include "worker/end_recorder.h"
#include "worker/turns.h"
#include "worker/upload_run.h"

namespace vodlift::worker {

// An upload is given up when the process died this often while it ran, without a new part in between.
inline constexpr int kMaxCrashes = 3;

struct Options {
  int uploads = 8;           // at once, 1..256
  int parts_per_upload = 4;  // in flight for each, 1..64
  SourceReadiness readiness{};
  // What a large upload runs at least before it makes room for others that have a better right; 1 s..1 h.
  std::chrono::milliseconds turn{30'000};
  // Between two rounds of renewing leases and rescuing; well below a lease, which is 60 s.
  std::chrono::milliseconds housekeeping{15'000};
};

// The worker side of one node. start() and stop() from one thread; everything given must outlive it.
class Dispatcher {
 public:
  Dispatcher(WorkQueue& queue, CallbackQueue& callback_queue, MultipartJournal& journal, ChangeFeed& feed,
             const AccountStore& accounts, Storages& storages, ObjectStore& objects, CallbackSender& callbacks,
             const Clock& clock, const Options& options);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;
  // Like stop(0).
  ~Dispatcher();

  void start();
  // Claims nothing new, lets requests in flight end for up to `grace`, then cuts them off (ObjectStore::interrupt);
  // what is not finished goes back to the queue with its journal. May be called twice.
  void stop(std::chrono::milliseconds grace);

 private:
  void loop();
  void housekeeping();
  bool renew_leases();
  Places free_places();
  [[nodiscard]] int free_slots() const;
  void make_room();
  int claim_for_free_slots();
  bool assign(ClaimedUpload upload);
  void give_back_stale();
  void give_back_waiting();
  std::chrono::milliseconds time_to_next(int claimed);
  void slot();
  void run(const std::shared_ptr<ActiveRun>& active);
  void forget(const ActiveRun& active);
  void give_back(const ClaimedUpload& claimed, const Requeue& how);
  void wake();
  // Has the run of this upload give it back.
  void recall(UploadId id);

  WorkQueue& queue_;
  ObjectStore& objects_;
  const Options options_;
  const RunContext context_;
  CallbackRun callback_run_;
  EndRecorder ends_;

  std::mutex mutex_;                  // guards the next eight
  std::condition_variable work_;      // for the loop: something became due, or slots are free
  std::condition_variable assigned_;  // for the slots
  std::condition_variable idle_;      // for stop(): nothing runs
  bool stopping_ = false;
  bool woken_ = false;
  bool wants_work_ = false;  // the loop waits for uploads to become due: it has free places
  std::map<UploadId, std::shared_ptr<ActiveRun>> active_;
  int completed_ = 0;                               // of the active ones
  std::deque<std::shared_ptr<ActiveRun>> waiting_;  // claimed, no slot has taken them yet
  std::chrono::milliseconds last_run_{0};           // how long the run that ended last took

  std::chrono::steady_clock::time_point housekeeping_due_;
  std::chrono::steady_clock::time_point leases_good_until_;
  std::chrono::steady_clock::time_point claim_not_before_;
  std::chrono::steady_clock::time_point room_due_;
  std::thread loop_;
  std::vector<std::thread> slots_;

  // The last members: what they call is there as long as they are.
  std::vector<ChangeFeed::Subscription> subscriptions_;
};

}  // namespace vodlift::worker
