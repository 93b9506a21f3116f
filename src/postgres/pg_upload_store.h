// The doors' side of the queue, in PostgreSQL.
#pragma once

#include <chrono>
#include <mutex>

#include "base/clock.h"
#include "core/upload_store.h"
#include "postgres/group_commit.h"
#include "postgres/pg_insert.h"
#include "postgres/pg_queue.h"

namespace vodlift::postgres {

// UploadStore over a PgDatabase. Internally locked.
//
// Signatures of requests are kept until their bytes cannot be accepted any more: one hour after the request's
// timestamp, and for as long as the database's clock has not run for an hour without being set. Old ones are removed
// after an insert, at most every 15 s.
class PgUploadStore final : public UploadStore {
 public:
  explicit PgUploadStore(PgQueue queue);
  // Waits for the inserts that are under way.
  ~PgUploadStore() override = default;
  // Waits until they are answered.
  void drain() { inserts_.drain(); }

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
  // The database's time when it was last asked.
  class LastSeen final : public Clock {
   public:
    [[nodiscard]] WallTime now() const override { return now_; }
    void set(WallTime now) { now_ = now; }

   private:
    WallTime now_{};
  };

  Result<std::vector<Upload>> find_any(std::optional<AccountId> account, const UploadQuery& query);
  Result<std::vector<Result<InsertOutcome>>> insert_group(std::span<const InsertJob> jobs);
  void forget_signatures_if_due(WallTime now);

  const PgQueue queue_;
  std::mutex forgetting_;  // guards the next block
  LastSeen database_clock_;
  std::optional<ClockWatch> clock_watch_;
  std::chrono::milliseconds forget_due_{0};  // of the uptime
  RecentCounts recent_counts_;
  GroupCommit<InsertJob, InsertOutcome> inserts_;  // the last member: its threads use the others
};

}  // namespace vodlift::postgres
