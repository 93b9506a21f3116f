// The bandwidth limits in SQLite.
#pragma once

#include "core/bandwidth_limit.h"
#include "store/sqlite_database.h"

namespace vodlift::store {

// Over a SqliteDatabase, which must outlive it. Any thread.
class SqliteBandwidthLimits final : public BandwidthLimits {
 public:
  explicit SqliteBandwidthLimits(SqliteDatabase& database) : database_(database) {}

  // Errors also: store_corrupt.
  Result<std::vector<BandwidthLimit>> list() override;
  Result<> put(const BandwidthLimit& limit) override;
  Result<> remove(const BandwidthScope& scope) override;

 private:
  SqliteDatabase& database_;
};

}  // namespace vodlift::store
