// How PostgreSQL is doing, as far as a node can see.
#pragma once

#include "core/store_health.h"
#include "postgres/pg_database.h"

namespace vodlift::postgres {

// StoreMonitor over a PgDatabase. The server's disk is looked after where the server is. Any thread.
class PgMonitor final : public StoreMonitor {
 public:
  explicit PgMonitor(const PgDatabase& database) : database_(database) {}

  [[nodiscard]] StoreHealth look() const override { return database_.health(); }

 private:
  const PgDatabase& database_;
};

}  // namespace vodlift::postgres
