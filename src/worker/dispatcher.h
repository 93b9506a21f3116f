// Runs queued uploads on a fixed number of threads, the slots.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/worker_thread.h"
#include "core/change_feed.h"
#include "worker/account_places.h"
#include "worker/end_recorder.h"
#include "worker/lease_keeper.h"
#include "worker/turns.h"
#include "worker/upload_run.h"

namespace vodlift::worker {

// An upload fails when the process died this often while it was the only one under way, without a new part in between.
inline constexpr int kMaxCrashes = 3;
// How long a suspect (WorkQueue::next_suspect) runs alone, unless it sends a part or ends before. If the process has
// not died by then, others begin. The time doubles, up to 2 to this power, with each crash beyond those that would have
// ended an upload that crashes at once.
inline constexpr std::chrono::milliseconds kAlone{5'000};
inline constexpr int kMostAloneDoublings = 9;

struct Options {
  int uploads = 8;           // at once, 1..256, besides those in spare places (turns.h)
  int parts_per_upload = 4;  // in flight for each upload, 1..64
  SourceReadiness readiness{};
  // Minimum time an upload in parts runs before it yields to uploads with a stronger claim; 1 s..1 h.
  std::chrono::milliseconds turn{30'000};
  // Time between two rounds of renewing leases and of rescuing uploads; well below a lease, which is 60 s.
  std::chrono::milliseconds housekeeping{15'000};
};

// The worker side of one node. start() and stop() are called from one thread. Everything given must outlive it.
class Dispatcher {
 public:
  struct Ports {
    WorkQueue& queue;
    MultipartJournal& journal;
    ChangeFeed& feed;
    AccountDirectory& accounts;
    Storages& storages;
    ObjectStore& objects;
    const Clock& clock;
    StatisticsCollector* statistics = nullptr;    // null: none are wanted
    SpanSink* spans = nullptr;                    // null: none are wanted
    AccountPlaces::Renew renew_places = nullptr;  // null: there is one node
  };

  Dispatcher(const Ports& ports, const Options& options);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;
  // Like stop(0).
  ~Dispatcher();

  void start();

  // From now on: more uploads begin at once; where there are fewer, those that run go on to their end. Parts and
  // readiness count for uploads that begin, or resume, from now on. Between start() and stop(), one call at a time.
  void use(const Options& options);

  // Claims nothing new, waits up to `grace` for requests in flight, then cuts them off (ObjectStore::interrupt).
  // Unfinished uploads go back to the queue with their journal. May be called twice.
  void stop(std::chrono::milliseconds grace);

  // As AccountPlaces::wishes() and grant(). Any thread.
  [[nodiscard]] std::vector<BandwidthWish> wishes_for_accounts();
  void grant_to_accounts(const std::vector<BandwidthShare>& shares, SteadyTime until);

  // What occupies the slots now. Any thread.
  struct Occupied {
    int usual = 0;  // of Options::uploads
    int spare = 0;  // of spare_places()
    int ahead = 0;  // uploads that are claimed and wait for a slot
  };
  [[nodiscard]] Occupied occupied() const;
  [[nodiscard]] int slots() const { return uploads_; }

 private:
  using Instant = std::chrono::steady_clock::time_point;

  // The loop and its steps, on one thread.
  void loop();
  void look_at_everything();
  void do_housekeeping();
  void give_back_stale();
  void claim();
  void claim_spare();
  bool runs_alone();
  bool is_stopping();
  void begin_alone(const WorkQueue::Suspect& suspect);
  Places free_places();
  [[nodiscard]] AccountPlaces::Running under_way() const;
  [[nodiscard]] std::function<bool(AccountId)> without_room();
  [[nodiscard]] SpareQuery spare_query(const Places& free) const;
  [[nodiscard]] std::string endpoint_of(AccountId account, const std::string& bucket) const;
  void assign(ClaimedUpload claimed, bool spare);
  [[nodiscard]] Instant next_claim(bool found_nothing) const;
  void make_room();
  void cut_off_late();
  [[nodiscard]] RunningTurn turn_of(const ActiveRun& run, Instant now);
  void take_reading(ActiveRun& run);
  void note_turn(ActiveRun& run);
  void wait_for_work();

  // A slot, on a thread of its own.
  void begin_slots();
  void slot();
  std::shared_ptr<ActiveRun> next_run();
  void carry_out(const std::shared_ptr<ActiveRun>& run);
  [[nodiscard]] RunContext context() const;
  std::optional<RunEnd> attempt(ActiveRun& run) noexcept;
  [[nodiscard]] bool has_run_for_a_slot() const;
  void slot_is_free(const ActiveRun& run, std::chrono::milliseconds took);

  void upload_may_be_due();
  void give_back(const std::shared_ptr<ActiveRun>& run, std::optional<std::chrono::milliseconds> delay);

  WorkQueue& queue_;
  ObjectStore& objects_;
  std::atomic<int> uploads_;                     // Options::uploads
  std::atomic<std::chrono::milliseconds> turn_;  // Options::turn
  const std::chrono::milliseconds housekeeping_;
  LeaseKeeper leases_;
  FairShare share_;  // of the loop
  AccountPlaces places_;
  EndRecorder ends_;

  mutable std::mutex mutex_;          // guards the next twelve
  RunContext context_;                // its ports never change
  std::condition_variable assigned_;  // for the slots
  bool stopping_ = false;
  bool may_claim_ = false;                          // an upload may be due, or a slot is free
  bool has_places_ = false;                         // the loop waits for uploads to become due
  bool has_spare_ = false;                          // the same, for a spare place
  std::deque<std::shared_ptr<ActiveRun>> waiting_;  // claimed; no slot has taken them yet
  std::deque<std::shared_ptr<ActiveRun>> waiting_spare_;
  int in_usual_places_ = 0;  // runs that a slot has taken from waiting_
  ClaimAhead ahead_;
  std::map<UploadId, int> fruitless_;  // turns in a row that brought an upload no further; kMostFruitless at most
  std::map<UploadId, UnfinishedReading> unfinished_;  // of runs that were interrupted; kMostUnfinished at most

  // Of the loop.
  Instant housekeeping_due_;
  Instant ends_due_;
  Instant claim_due_;
  Instant claim_not_before_;
  bool suspects_ = true;                    // there may be some
  std::shared_ptr<const ActiveRun> alone_;  // a suspect that runs alone
  Instant alone_until_;
  Instant drain_until_;  // until then a suspect waits for the runs under way to end
  Instant room_due_;
  Instant spare_due_;
  bool look_for_spare_ = false;       // something may have become due that may have a spare place
  AccountId last_spare_ = 0;          // the account that had one last
  std::optional<UploadId> yielding_;  // it was told to yield, and is cut off
  Instant cut_due_;                   // then
  WorkerThread loop_;
  std::vector<std::thread> slots_;

  // The last members: they end first.
  const ChangeFeed::Subscription due_;
  const ChangeFeed::Subscription recalled_;
};

}  // namespace vodlift::worker
