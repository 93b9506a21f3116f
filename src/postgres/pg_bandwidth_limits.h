// Bandwidth limits in PostgreSQL.
#pragma once

#include "core/bandwidth_limit.h"
#include "postgres/pg_database.h"

namespace vodlift::postgres {

// BandwidthLimits over a PgDatabase. Any thread.
class PgBandwidthLimits final : public BandwidthLimits {
 public:
  explicit PgBandwidthLimits(PgDatabase& database) : database_(database) {}

  Result<std::vector<BandwidthLimit>> list() override;
  Result<> put(const BandwidthLimit& limit) override;
  Result<> remove(const BandwidthScope& scope) override;

 private:
  PgDatabase& database_;
};

}  // namespace vodlift::postgres
