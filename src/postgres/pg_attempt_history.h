// How the runs of uploads ended, in PostgreSQL.
#pragma once

#include <vector>

#include "core/attempt_history.h"
#include "postgres/pg_database.h"

namespace vodlift::postgres {

// AttemptHistory over a PgDatabase. Any thread.
class PgAttemptHistory final : public AttemptHistory {
 public:
  explicit PgAttemptHistory(PgDatabase& database) : database_(database) {}

  Result<std::vector<UploadAttempt>> attempts_of(UploadId id) override;
  Result<ConfirmedParts> parts_of(UploadId id) override;

 private:
  PgDatabase& database_;
};

// A run that ends now; its upload is locked.
struct EndedRun {
  UploadId id = 0;
  std::int64_t fence = 0;
  UploadAttempt run{};  // but for `ended`
};

// Keeps what is worth it (keep_attempt()).
void record_attempts(PgTransaction& transaction, std::vector<EndedRun> runs);

}  // namespace vodlift::postgres
