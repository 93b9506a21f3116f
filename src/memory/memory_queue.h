// The ports of the queue in memory: they keep what the ports promise, but no disk. For tests.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/attempt_history.h"
#include "core/bandwidth_limit.h"
#include "core/callback_history.h"
#include "core/callback_queue.h"
#include "core/multipart_journal.h"
#include "core/multipart_ledger.h"
#include "core/nodes.h"
#include "core/statistics.h"
#include "core/upload_retention.h"
#include "core/upload_store.h"
#include "core/work_queue.h"
#include "memory/memory_database.h"

namespace vodlift::memory {

// Uploads or callbacks that one claim gives at most.
inline constexpr std::size_t kMaxClaim = 1000;

class MemoryUploadStore final : public UploadStore {
 public:
  explicit MemoryUploadStore(MemoryDatabase& database) : database_(database) {}

  // `done` is called before this returns.
  void insert(NewUpload upload, InsertDone done) override;
  Result<std::optional<UploadId>> find_repeat(std::int64_t key_id, const RequestSignature& signature) override;
  Result<std::vector<Upload>> find(AccountId account, const UploadQuery& query) override;
  Result<std::vector<Upload>> find_in_all(const UploadQuery& query) override;
  Result<UploadPage> search(const UploadSearch& search) override;
  Result<std::vector<UploadCount>> counts() override;
  Result<QueueState> queue(std::optional<AccountId> account) override;
  Result<int> wake(AccountId account, const std::string& bucket) override;
  Result<ChangeOutcome> change(const ChangeRequest& request) override;

 private:
  static Upload shown(const MemoryDatabase::Row& row);
  std::vector<Upload> matching(std::optional<AccountId> account, const UploadQuery& query);

  MemoryDatabase& database_;
};

class MemoryUploadRetention final : public UploadRetention {
 public:
  explicit MemoryUploadRetention(MemoryDatabase& database) : database_(database) {}

  Result<EndedPage> ended(UploadState state, const EndedPlace& after, WallTime until, int limit) override;
  Result<int> remove(const std::vector<UploadId>& ids) override;

 private:
  MemoryDatabase& database_;
};

class MemoryAttemptHistory final : public AttemptHistory {
 public:
  explicit MemoryAttemptHistory(MemoryDatabase& database) : database_(database) {}

  Result<std::vector<UploadAttempt>> attempts_of(UploadId id) override;
  Result<ConfirmedParts> parts_of(UploadId id) override;

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
  Result<std::optional<Suspect>> next_suspect() override;
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

  Result<std::vector<AccountId>> due_accounts(AccountId from, int limit) override;
  Result<std::vector<DueReceiver>> due_receivers(AccountId account, const std::string& after, int limit,
                                                 int depth) override;
  Result<std::vector<ClaimedCallback>> claim(const std::vector<std::int64_t>& ids,
                                             std::chrono::milliseconds lease) override;
  Result<std::vector<std::int64_t>> record(const std::vector<RecordedAttempt>& attempts) override;
  Result<int> refuse(AccountId account, const std::string& receiver, const std::string& reason, int limit) override;
  Result<> reclaim() override;
  Result<std::optional<std::chrono::milliseconds>> next_due() override;

 private:
  MemoryDatabase& database_;
  const NodeTerm self_;
};

class MemoryCallbackHistory final : public CallbackHistory {
 public:
  explicit MemoryCallbackHistory(MemoryDatabase& database) : database_(database) {}

  Result<CallbackPage> list(const CallbackQuery& query) override;
  Result<CallbackStory> find(std::int64_t id) override;
  Result<CallbackStory> find_of(UploadId upload) override;
  Result<std::vector<CallbackReceiver>> receivers(AccountId account) override;
  Result<> send_again(std::int64_t id) override;

 private:
  CallbackStory story_of(std::int64_t id);

  MemoryDatabase& database_;
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
  Result<LedgerCounts> counts() override;
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
  Result<> describe(const NodeTerm& self, const NodeAbout& about) override;
  Result<> beat(const NodeTerm& self) override;
  Result<> leave(const NodeTerm& self) override;
  Result<> shorten_waits(const LongestWaits& longest) override;
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

class MemoryStatistics final : public Statistics {
 public:
  explicit MemoryStatistics(MemoryDatabase& database) : database_(database) {}

  Result<> add(Collected& collected) override;
  Result<std::vector<StatisticsSlot>> series(const SeriesQuery& query) override;
  Result<std::vector<AccountSums>> busiest(WallTime since) override;
  Result<std::vector<BucketSums>> busiest_buckets(AccountId account, WallTime since) override;

 private:
  AccountId ring_for(AccountId account, WallTime now);
  void put(AccountId account, const StatisticsSlot& sums, WallTime now);
  void put_buckets(const Collected& collected, WallTime now);

  MemoryDatabase& database_;  // its lock guards the rest
  std::map<std::tuple<AccountId, Resolution, WallTime>, StatisticsSlot> slots_;
  std::map<AccountId, WallTime> active_;  // those with rings of their own
  std::map<std::pair<AccountId, UploadState>, std::int64_t> ends_;
  std::map<WallTime, std::map<std::pair<AccountId, std::string>, BucketWork>> buckets_;  // by hour
};

// The ports of the queue, opened in one node's name; the database must outlive them.
struct MemoryNode {
  MemoryNode(MemoryDatabase& database, const NodeTerm& self)
      : uploads(database), retention(database), queue(database, self), callbacks(database, self), journal(database) {}

  MemoryUploadStore uploads;
  MemoryUploadRetention retention;
  MemoryWorkQueue queue;
  MemoryCallbackQueue callbacks;
  MemoryMultipartJournal journal;
};

}  // namespace vodlift::memory
