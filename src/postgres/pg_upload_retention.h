// The removal of uploads that ended long ago, in PostgreSQL.
#pragma once

#include "core/upload_retention.h"
#include "postgres/pg_database.h"

namespace vodlift::postgres {

// UploadRetention over a PgDatabase. Any thread.
class PgUploadRetention final : public UploadRetention {
 public:
  explicit PgUploadRetention(PgDatabase& database) : database_(database) {}

  Result<EndedPage> ended(UploadState state, const EndedPlace& after, WallTime until, int limit) override;
  Result<int> remove(const std::vector<UploadId>& ids) override;

 private:
  PgDatabase& database_;
};

}  // namespace vodlift::postgres
