// The journal of running multipart uploads, in SQLite.
#pragma once

#include "core/multipart_journal.h"
#include "store/sqlite_queue.h"

namespace vodlift::store {

// MultipartJournal over a SqliteDatabase. Internally locked.
class SqliteMultipartJournal final : public MultipartJournal {
 public:
  explicit SqliteMultipartJournal(SqliteQueue queue) : queue_(std::move(queue)) {}

  Result<> intend(const Lease& lease, const MultipartPlace& place) override;
  Result<> withdraw(const Lease& lease) override;
  Result<> record_multipart(const Lease& lease, const OpenMultipart& open) override;
  Result<> record_part(const Lease& lease, const Part& part) override;
  Result<> abandon(const Lease& lease) override;

 private:
  const SqliteQueue queue_;
};

// Inside the caller's transaction: the entry without an id of an upload, if any, is abandoned.
void abandon_intent(SqliteConnection& connection, UploadId upload, WallTime now);
// Inside the caller's transaction: all entries of an upload that are in use are abandoned.
void abandon_all(SqliteConnection& connection, UploadId upload, WallTime now);
// Inside the caller's transaction: the multipart upload of the journal is gone or became the object; its entry goes.
void remove_journaled_entry(SqliteConnection& connection, UploadId upload);

}  // namespace vodlift::store
