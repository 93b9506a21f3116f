// What went on over time, in SQLite.
#pragma once

#include <span>

#include "core/statistics.h"
#include "store/sqlite_database.h"

namespace vodlift::store {

// Statistics over a SqliteDatabase; it and the clock must outlive this. Internally locked.
//
// Which uploads have ended is the difference between upload_counts and what was counted of it before, kept beside it.
// Accounts are added a hundred in one transaction, so that none holds up the others for long.
class SqliteStatistics final : public Statistics {
 public:
  SqliteStatistics(SqliteDatabase& database, const Clock& clock) : database_(database), clock_(clock) {}

  Result<> add(Collected& collected) override;
  Result<std::vector<StatisticsSlot>> series(const SeriesQuery& query) override;
  Result<std::vector<AccountSums>> busiest(WallTime since) override;
  Result<std::vector<BucketSums>> busiest_buckets(AccountId account, WallTime since) override;

 private:
  struct Look;

  Result<Look> look(WallTime now);

  SqliteDatabase& database_;
  const Clock& clock_;
};

}  // namespace vodlift::store
