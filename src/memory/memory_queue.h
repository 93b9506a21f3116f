// The queue in memory: it keeps what the ports of the queue promise, but no disk. For tests.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "base/clock_watch.h"
#include "core/bandwidth_limit.h"
#include "core/callback_queue.h"
#include "core/change_feed.h"
#include "core/multipart_journal.h"
#include "core/multipart_ledger.h"
#include "core/nodes.h"
#include "core/upload_decisions.h"
#include "core/upload_store.h"
#include "core/work_queue.h"

namespace vodlift::memory {

// What several nodes share. The ports below are opened over it, and it must outlive them. Any number of nodes, any
// thread: one lock guards all of it, and stands for a transaction.
class MemoryDatabase {
 public:
  // The weight of an account, 1..kMaxWeight; called under the lock, must not block.
  using WeightOf = std::function<int(AccountId)>;

  // The clock must outlive it.
  MemoryDatabase(const Clock& clock, CallbackBody body, ClockWatch::Uptime uptime, WeightOf weight_of);

  [[nodiscard]] LocalChangeFeed& feed() { return feed_; }

  // Every upload of every account, by id.
  [[nodiscard]] std::vector<Upload> all_uploads();

 private:
  friend class MemoryUploadStore;
  friend class MemoryWorkQueue;
  friend class MemoryCallbackQueue;
  friend class MemoryMultipartJournal;
  friend class MemoryMultipartLedger;
  friend class MemoryNodes;
  friend class MemoryBandwidthLimits;

  // A lease of an upload or of a callback.
  struct Hold {
    WallTime until;
    NodeTerm owner;
  };
  struct Row {
    Upload upload;
    std::string token;
    std::int64_t fence = 0;
    std::optional<Hold> hold{};
    Wanted wanted = Wanted::nothing;
    bool interrupted = false;
    int crashes = 0;
    std::optional<UploadId> waiting_on{};  // the upload before this one to the same object
    WallTime next_attempt{};
    bool delayed = false;  // it waits until next_attempt
    OpenMultipart journal{};

    [[nodiscard]] bool ready(WallTime now) const;
  };
  struct Callback {
    ClaimedCallback claimed;
    CallbackState state = CallbackState::pending;
    std::optional<Hold> hold{};
    WallTime next_attempt{};
  };
  struct LedgerEntry {
    AbandonedMultipart entry;
    bool in_use = true;
  };
  using Signature = std::tuple<std::int64_t, std::int64_t, std::string>;  // timestamp, key id, mac

  // How long until then; 0: it is past.
  [[nodiscard]] std::chrono::milliseconds until(WallTime time) const;

  // All of the following under the lock.
  Row* find(UploadId id);
  Row* held(const Lease& lease);
  std::optional<UploadId> repeat_of(std::int64_t key_id, const RequestSignature& signature) const;
  void forget_signatures_if_due();
  // Moves a row to an end, with all that an end brings; publishes what became due.
  void end(Row& row, UploadState state, std::vector<Change>& news);
  Result<> finish(const Lease& lease, const UploadEnding& ending, std::vector<Change>& news);
  Result<> requeue(const Lease& lease, const Requeue& how, bool crashed, std::vector<Change>& news);
  int take_back(const std::vector<UploadId>& orphans, int max_crashes, std::vector<Change>& news);
  void abandon_intent(UploadId upload);
  void abandon_all(UploadId upload);
  void remove_journaled_entry(const Row& row);
  AbandonedMultipart& add_entry(UploadId upload, AccountId account, const MultipartPlace& place, bool in_use);

  void publish(const std::vector<Change>& news);

  const Clock& clock_;
  const CallbackBody body_;
  const ClockWatch::Uptime uptime_;
  const WeightOf weight_of_;
  LocalChangeFeed feed_;

  std::mutex mutex_;  // guards all below
  ClockWatch clock_watch_;
  std::chrono::milliseconds forget_due_{0};
  std::map<UploadId, Row> uploads_;
  std::map<Signature, UploadId> signatures_;
  std::map<std::int64_t, Callback> callbacks_;
  std::map<std::int64_t, LedgerEntry> ledger_;
  std::vector<NodeInfo> nodes_;
  std::map<BandwidthScope, BandwidthLimit> limits_;
  std::int64_t last_callback_ = 0;
  std::int64_t last_entry_ = 0;
};

class MemoryUploadStore final : public UploadStore {
 public:
  explicit MemoryUploadStore(MemoryDatabase& database) : database_(database) {}

  // `done` is called before this returns.
  void insert(NewUpload upload, InsertDone done) override;
  Result<std::optional<UploadId>> find_repeat(std::int64_t key_id, const RequestSignature& signature) override;
  Result<std::vector<Upload>> find(AccountId account, const UploadQuery& query) override;
  Result<ChangeOutcome> change(const ChangeRequest& request) override;

 private:
  MemoryDatabase& database_;
};

class MemoryWorkQueue final : public WorkQueue {
 public:
  MemoryWorkQueue(MemoryDatabase& database, const NodeTerm& self) : database_(database), self_(self) {}

  Result<Candidates> candidates(const CandidateQuery& query) override;
  Result<std::vector<ClaimedUpload>> claim(const std::vector<UploadId>& ids, std::chrono::milliseconds lease) override;
  Result<std::vector<HeldLease>> renew(const std::vector<Lease>& leases, std::chrono::milliseconds lease) override;
  // Both: `done` is called before this returns.
  void finish(const Lease& lease, UploadEnding ending, Done done) override;
  void requeue(const Lease& lease, Requeue how, Done done) override;
  Result<int> rescue(int max_crashes) override;
  Result<int> reclaim(int max_crashes) override;
  Result<std::optional<std::chrono::milliseconds>> next_due() override;

 private:
  MemoryDatabase& database_;
  const NodeTerm self_;
};

class MemoryCallbackQueue final : public CallbackQueue {
 public:
  MemoryCallbackQueue(MemoryDatabase& database, const NodeTerm& self) : database_(database), self_(self) {}

  Result<std::vector<ClaimedCallback>> claim(int limit, std::chrono::milliseconds lease) override;
  Result<> record(const ClaimedCallback& callback, const CallbackAttempt& attempt) override;
  Result<> reclaim() override;
  Result<std::optional<std::chrono::milliseconds>> next_due() override;

 private:
  MemoryDatabase& database_;
  const NodeTerm self_;
};

class MemoryMultipartJournal final : public MultipartJournal {
 public:
  explicit MemoryMultipartJournal(MemoryDatabase& database) : database_(database) {}

  Result<> intend(const Lease& lease, const MultipartPlace& place) override;
  Result<> withdraw(const Lease& lease) override;
  Result<> record_multipart(const Lease& lease, const OpenMultipart& open) override;
  Result<> record_part(const Lease& lease, const Part& part) override;
  Result<> abandon(const Lease& lease) override;

 private:
  MemoryDatabase& database_;
};

class MemoryMultipartLedger final : public MultipartLedger {
 public:
  explicit MemoryMultipartLedger(MemoryDatabase& database) : database_(database) {}

  Result<std::vector<AbandonedMultipart>> due(int limit) override;
  Result<std::vector<AbandonedMultipart>> abandoned(std::optional<AccountId> account, int limit) override;
  Result<std::optional<std::chrono::milliseconds>> next_due() override;
  Result<KnownMultiparts> known(const MultipartPlace& place) override;
  Result<bool> adopt(std::int64_t id, const std::vector<std::string>& multipart_ids) override;
  Result<std::int64_t> intend_probe(const AbandonedMultipart& entry) override;
  Result<> postpone(std::int64_t id, std::chrono::milliseconds delay, const std::optional<std::string>& error) override;
  Result<> postpone_bucket(const AbandonedMultipart& entry, std::chrono::milliseconds delay) override;
  Result<> remove(std::int64_t id) override;

 private:
  MemoryDatabase& database_;
};

class MemoryNodes final : public Nodes {
 public:
  explicit MemoryNodes(MemoryDatabase& database) : database_(database) {}

  Result<NodeTerm> join(const std::string& name) override;
  Result<> beat(const NodeTerm& self) override;
  Result<> leave(const NodeTerm& self) override;
  Result<std::vector<NodeInfo>> list() override;

 private:
  Result<NodeInfo*> current(const NodeTerm& self);

  MemoryDatabase& database_;
};

class MemoryBandwidthLimits final : public BandwidthLimits {
 public:
  explicit MemoryBandwidthLimits(MemoryDatabase& database) : database_(database) {}

  Result<std::vector<BandwidthLimit>> list() override;
  Result<> put(const BandwidthLimit& limit) override;
  Result<> remove(const BandwidthScope& scope) override;

 private:
  MemoryDatabase& database_;
};

// The ports of the queue, opened in one node's name; the database must outlive them.
struct MemoryNode {
  MemoryNode(MemoryDatabase& database, const NodeTerm& self)
      : uploads(database), queue(database, self), callbacks(database, self), journal(database) {}

  MemoryUploadStore uploads;
  MemoryWorkQueue queue;
  MemoryCallbackQueue callbacks;
  MemoryMultipartJournal journal;
};

}  // namespace vodlift::memory
