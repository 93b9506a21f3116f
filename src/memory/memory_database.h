// What the stores in memory keep, and the steps that several of them take. For tests.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "core/attempt_history.h"
#include "core/bandwidth_limit.h"
#include "core/callback_history.h"
#include "core/callback_queue.h"
#include "core/change_feed.h"
#include "core/multipart_ledger.h"
#include "core/nodes.h"
#include "core/upload_decisions.h"
#include "core/upload_store.h"
#include "core/work_queue.h"

namespace vodlift::memory {

// What several nodes share. The ports of memory_queue.h are opened over it, and it must outlive them. Any number of
// nodes, any thread: one lock guards all of it, and stands for a transaction.
class MemoryDatabase {
 public:
  // The weight of an account, 1..kMaxWeight; called under the lock, must not block.
  using WeightOf = std::function<int(AccountId)>;

  // The clock must outlive it.
  MemoryDatabase(const Clock& clock, CallbackBody body, ClockWatch::Uptime uptime, WeightOf weight_of);

  [[nodiscard]] LocalChangeFeed& feed() { return feed_; }

  // How many uploads that have not ended an account may have, from now on.
  void set_most_open_uploads(std::int64_t most);

  // Every upload of every account, by id.
  [[nodiscard]] std::vector<Upload> all_uploads();

 private:
  friend class MemoryAttemptHistory;
  friend class MemoryStatistics;
  friend class MemoryUploadRetention;
  friend class MemoryUploadStore;
  friend class MemoryWorkQueue;
  friend class MemoryCallbackQueue;
  friend class MemoryCallbackHistory;
  friend class MemoryMultipartJournal;
  friend class MemoryMultipartLedger;
  friend class MemoryNodes;
  friend class MemoryBandwidthLimits;

  // A lease of an upload or of a callback.
  struct Hold {
    WallTime until;
    NodeTerm owner;
  };
  enum class Crash { none, in_company, alone };
  struct Row {
    Upload upload;
    std::string token;
    std::int64_t fence = 0;
    std::optional<Hold> hold{};
    Wanted wanted = Wanted::nothing;
    bool interrupted = false;
    int crashes = 0;
    int crashes_alone = 0;
    bool suspect = false;
    std::optional<UploadId> waiting_on{};  // the upload before this one to the same object
    WallTime next_attempt{};
    bool delayed = false;  // it waits until next_attempt
    OpenMultipart journal{};
    std::map<int, WallTime> part_times{};  // when the journal's parts were confirmed
    std::optional<Unanswered> unanswered{};
    bool only_look = false;
    std::vector<UploadAttempt> attempts{};  // as AttemptHistory answers them

    [[nodiscard]] bool ready(WallTime now) const { return may_run(now) && !suspect; }
    [[nodiscard]] bool may_run(WallTime now) const;
  };
  struct Callback {
    ClaimedCallback claimed;
    CallbackState state = CallbackState::pending;
    std::optional<Hold> hold{};
    WallTime next_attempt{};
    WallTime created{};
    bool own_sums = false;             // while pending: it is counted in its receiver's own sums
    int attempts = 0;                  // all of them; those of `claimed` begin anew when it is sent again
    std::vector<CallbackTry> tries{};  // the last kKeptCallbackAttempts

    [[nodiscard]] bool due(WallTime now) const { return state == CallbackState::pending && next_attempt <= now; }
  };
  struct LedgerEntry {
    AbandonedMultipart entry;
    bool in_use = true;
  };
  using Signature = std::tuple<std::int64_t, std::int64_t, std::string>;  // timestamp, key id, mac

  // Holds the lock. At its end it gives the lock back, and tells which uploads and callbacks changed.
  class Transaction {
   public:
    explicit Transaction(MemoryDatabase& database) : database_(database), lock_(database.mutex_) {}
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction();

   private:
    MemoryDatabase& database_;
    std::unique_lock<std::mutex> lock_;
  };

  // How long until then; 0: it is past.
  [[nodiscard]] std::chrono::milliseconds until(WallTime time) const;

  // All of the following under the lock.
  Row* find(UploadId id);
  [[nodiscard]] std::int64_t open_uploads(AccountId account) const;
  // The row of a lease that is held; it counts as changed.
  Row* held(const Lease& lease);
  std::optional<UploadId> repeat_of(std::int64_t key_id, const RequestSignature& signature) const;
  void forget_signatures_if_due();
  // Moves a row to an end, with all that an end brings; publishes what became due.
  void end(Row& row, UploadState state, std::vector<Change>& news);
  Result<> finish(const Lease& lease, const UploadEnding& ending, AttemptEnd how, std::vector<Change>& news);
  // Before the row is changed.
  void record_attempt(Row& row, AttemptEnd how, const std::optional<UploadError>& error,
                      std::optional<std::int64_t> size);
  Result<> requeue(const Lease& lease, const Requeue& how, Crash crash, std::vector<Change>& news);
  int take_back(const std::vector<UploadId>& orphans, int max_crashes, std::vector<Change>& news);
  void abandon_intent(UploadId upload);
  void abandon_all(UploadId upload);
  void remove_journaled_entry(const Row& row);
  AbandonedMultipart& add_entry(UploadId upload, AccountId account, const MultipartPlace& place, bool in_use);

  // Another callback is pending. Answers whether its receiver has sums of its own.
  bool count_waiting(AccountId account, const std::string& receiver);
  [[nodiscard]] bool has_room_for_receiver(AccountId account) const;
  ReceiverSums& sums_of(const Callback& callback);

  void publish(const std::vector<Change>& news);

  const Clock& clock_;
  const CallbackBody body_;
  const ClockWatch::Uptime uptime_;
  const WeightOf weight_of_;
  LocalChangeFeed feed_;

  std::mutex mutex_;  // guards all below
  std::int64_t most_open_uploads_ = kMostOpenUploads;
  ClockWatch clock_watch_;
  std::chrono::milliseconds forget_due_{0};
  std::map<UploadId, Row> uploads_;
  std::map<std::pair<AccountId, UploadState>, std::int64_t> removed_ends_;  // how many
  std::map<Signature, UploadId> signatures_;
  std::map<std::int64_t, Callback> callbacks_;
  std::set<UploadId> changed_uploads_;  // in this transaction; more may be named than have changed
  std::set<std::int64_t> changed_callbacks_;
  using Receiver = std::pair<AccountId, std::string>;
  std::map<Receiver, ReceiverSums> receivers_{{Receiver(kOtherReceivers, ""), ReceiverSums()}};
  WallTime receivers_swept_{};
  std::map<std::int64_t, LedgerEntry> ledger_;
  std::vector<NodeInfo> nodes_;
  std::map<BandwidthScope, BandwidthLimit> limits_;
  UploadId last_upload_ = 0;
  std::int64_t last_callback_ = 0;
  std::int64_t last_entry_ = 0;
};

}  // namespace vodlift::memory
