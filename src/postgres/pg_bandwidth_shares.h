// The nodes' shares of bandwidth limits, in PostgreSQL.
#pragma once

#include <cstdint>
#include <optional>

#include "core/bandwidth_shares.h"
#include "postgres/pg_database.h"

namespace vodlift::postgres {

// BandwidthShares over a PgDatabase. Any thread.
class PgBandwidthShares final : public BandwidthShares {
 public:
  explicit PgBandwidthShares(PgDatabase& database) : database_(database) {}

  Result<Renewed> renew(const NodeTerm& self, const std::vector<BandwidthWish>& wishes) override;

 private:
  Result<std::optional<std::int64_t>> look(const NodeTerm& self);

  PgDatabase& database_;
};

}  // namespace vodlift::postgres
