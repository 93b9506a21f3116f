// The doors' side of the queue, in SQLite.
#pragma once

#include <atomic>
#include <chrono>

#include "base/clock.h"
#include "core/upload_store.h"
#include "store/sqlite_queue.h"
#include "store/upload_lists.h"

namespace vodlift::store {

// UploadStore over a SqliteDatabase. Internally locked.
//
// Signatures of requests are kept until their bytes cannot be accepted any more: one hour after the request's
// timestamp, and for as long as the clock has not run for an hour without being set. With a wrong time young signatures
// would look old, and when the right time is back, their requests would be accepted again. Old ones are removed after
// an insert, at most every 15 s.
class SqliteUploadStore final : public UploadStore {
 public:
  explicit SqliteUploadStore(SqliteQueue queue);
  // Waits for the inserts that are under way.
  ~SqliteUploadStore() override;

  void insert(NewUpload upload, InsertDone done) override;
  Result<std::optional<UploadId>> find_repeat(std::int64_t key_id, const RequestSignature& signature) override;
  Result<std::vector<Upload>> find(AccountId account, const UploadQuery& query) override;
  Result<std::vector<Upload>> find_in_all(const UploadQuery& query) override;
  Result<UploadPage> search(const UploadSearch& search) override;
  Result<std::vector<UploadCount>> counts() override;
  Result<QueueState> queue(std::optional<AccountId> account) override;
  Result<int> wake(AccountId account, const std::string& bucket) override;
  Result<ChangeOutcome> change(const ChangeRequest& request) override;

  // These uploads, ascending, were removed, and the disk has it. May block.
  void forget(const std::vector<UploadId>& removed) { lists_.forget(removed); }

 private:
  class Insert;
  class ForgetSignatures;

  // On the writer's thread.
  void forget_signatures_if_due();

  const SqliteQueue queue_;
  UploadLists lists_;
  ClockWatch clock_watch_;                   // for the writer's thread
  std::chrono::milliseconds forget_due_{0};  // of the uptime; for the writer's thread
};

}  // namespace vodlift::store
