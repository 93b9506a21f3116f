// Removal of uploads that have ended, in SQLite.
#pragma once

#include "core/upload_retention.h"
#include "store/sqlite_upload_store.h"

namespace vodlift::store {

// UploadRetention over a SqliteDatabase; `uploads` is its port of the doors. Both must outlive it. Internally locked.
class SqliteUploadRetention final : public UploadRetention {
 public:
  SqliteUploadRetention(SqliteDatabase& database, SqliteUploadStore& uploads)
      : database_(database), uploads_(uploads) {}

  Result<EndedPage> ended(UploadState state, const EndedPlace& after, WallTime until, int limit) override;
  Result<int> remove(const std::vector<UploadId>& ids) override;

 private:
  // Answers whether the upload was removed.
  bool remove_one(SqliteConnection& connection, UploadId id);

  SqliteDatabase& database_;
  SqliteUploadStore& uploads_;
};

}  // namespace vodlift::store
