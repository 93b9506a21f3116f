// How the runs of uploads ended, in SQLite.
#pragma once

#include "core/attempt_history.h"
#include "store/sqlite_database.h"

namespace vodlift::store {

// AttemptHistory over a SqliteDatabase, which must outlive it. Internally locked.
class SqliteAttemptHistory final : public AttemptHistory {
 public:
  explicit SqliteAttemptHistory(SqliteDatabase& database) : database_(database) {}

  Result<std::vector<UploadAttempt>> attempts_of(UploadId id) override;
  Result<ConfirmedParts> parts_of(UploadId id) override;

 private:
  SqliteDatabase& database_;
};

// Keeps how the run under this lease ends now, as keep_attempt() says; inside the caller's transaction, before it
// changes the upload. `size`: of the object, where the upload completes. Does nothing where the lease is lost.
void record_attempt(SqliteConnection& connection, const Lease& lease, AttemptEnd how,
                    const std::optional<UploadError>& error, std::optional<std::int64_t> size, WallTime now);

}  // namespace vodlift::store
