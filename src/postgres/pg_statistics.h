// What went on over time, in PostgreSQL.
#pragma once

#include <vector>

#include "core/statistics.h"
#include "postgres/pg_database.h"

namespace vodlift::postgres {

// Statistics over a PgDatabase. Any thread.
//
// Which uploads have ended is the difference between the counts of uploads and what was counted of them before, kept
// beside them. Accounts are added a hundred in one transaction, so that none holds up the others for long.
class PgStatistics final : public Statistics {
 public:
  explicit PgStatistics(PgDatabase& database) : database_(database) {}

  Result<> add(Collected& collected) override;
  Result<std::vector<StatisticsSlot>> series(const SeriesQuery& query) override;
  Result<std::vector<AccountSums>> busiest(WallTime since) override;
  Result<std::vector<BucketSums>> busiest_buckets(AccountId account, WallTime since) override;

 private:
  struct Look;

  Result<Look> look();
  static void add_step(PgTransaction& transaction, const std::vector<AccountId>& accounts, const Look& found,
                       const Collected& collected, StatisticsSlot all);

  PgDatabase& database_;
};

}  // namespace vodlift::postgres
