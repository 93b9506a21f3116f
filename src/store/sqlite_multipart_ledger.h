// The ledger of multipart uploads in SQLite, and the changes by which the queue keeps it in step.
#pragma once

#include "core/multipart_ledger.h"
#include "store/sqlite_database.h"

namespace vodlift::store {

// MultipartLedger over a SqliteDatabase, which must outlive it. Internally locked.
class SqliteMultipartLedger final : public MultipartLedger {
 public:
  SqliteMultipartLedger(SqliteDatabase& database, const Clock& clock) : database_(database), clock_(clock) {}

  Result<> intend(const Lease& lease, const MultipartPlace& place) override;
  Result<> withdraw(const Lease& lease) override;
  Result<> leave(const Lease& lease) override;
  // 1,000 at most.
  Result<std::vector<LeftMultipart>> due(int limit) override;
  Result<std::vector<LeftMultipart>> left(std::optional<AccountId> account, int limit) override;
  Result<std::optional<WallTime>> next_due() override;
  Result<KnownMultiparts> known(const MultipartPlace& place) override;
  Result<bool> adopt(std::int64_t id, const std::vector<std::string>& multipart_ids) override;
  Result<std::int64_t> intend_probe(const LeftMultipart& beside) override;
  Result<> postpone(std::int64_t id, WallTime until, const std::optional<std::string>& error) override;
  Result<> postpone_bucket(const LeftMultipart& entry, WallTime until) override;
  Result<> remove(std::int64_t id) override;

 private:
  SqliteDatabase& database_;
  const Clock& clock_;
};

// Inside a transaction of the queue's:

// The Create under way, if there is one, is left to be looked for.
void leave_intent(SqliteConnection& connection, UploadId upload, WallTime now);
// The Create under way has opened `multipart_id`. Nothing where none was intended.
void fulfil_intent(SqliteConnection& connection, UploadId upload, const std::string& multipart_id);
// The open multipart upload of the journal, which must still be recorded, is gone or has become the object.
void strike_journaled(SqliteConnection& connection, UploadId upload);
// The upload has ended: all that it had is left.
void leave_all(SqliteConnection& connection, UploadId upload, WallTime now);

}  // namespace vodlift::store
