// The workers' side of the queue, in SQLite.
#pragma once

#include "core/work_queue.h"
#include "store/sqlite_queue.h"
#include "store/sqlite_upload_lifecycle.h"

namespace vodlift::store {

// WorkQueue over a SqliteDatabase. Internally locked.
class SqliteWorkQueue final : public WorkQueue {
 public:
  explicit SqliteWorkQueue(SqliteQueue queue) : queue_(std::move(queue)) {}
  // Waits for the ends that are under way.
  ~SqliteWorkQueue() override { queue_.database.drain(); }

  Result<Candidates> candidates(const CandidateQuery& query) override;
  Result<std::vector<ClaimedUpload>> claim(const std::vector<UploadId>& ids, std::chrono::milliseconds lease) override;
  Result<std::vector<HeldLease>> renew(const std::vector<Lease>& leases, std::chrono::milliseconds lease) override;
  void finish(const Lease& lease, UploadEnding ending, Done done) override;
  void requeue(const Lease& lease, Requeue how, Done done) override;
  Result<std::optional<Suspect>> next_suspect() override;
  Result<int> rescue(int max_crashes) override;
  Result<int> reclaim(int max_crashes) override;
  Result<std::optional<std::chrono::milliseconds>> next_due() override;

 private:
  class Finish;
  class PutBack;

  // Takes back what `statement` finds, in steps; its parameters are the two numbers and how many rows at most.
  Result<int> take_back(std::string_view statement, std::int64_t first, std::int64_t second, int max_crashes);
  void publish(const EndEffects& effects, UploadId id);
  void publish_all();

  const SqliteQueue queue_;
};

}  // namespace vodlift::store
