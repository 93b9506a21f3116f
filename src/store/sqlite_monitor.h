// How the database is doing, in SQLite.
#pragma once

#include "core/store_health.h"
#include "store/background_check.h"
#include "store/sqlite_database.h"

namespace vodlift::store {

// Both must outlive it. Internally locked.
class SqliteMonitor final : public StoreMonitor {
 public:
  SqliteMonitor(const SqliteDatabase& database, const BackgroundCheck& check) : database_(database), check_(check) {}

  [[nodiscard]] StoreHealth look() const override {
    StoreHealth health = database_.health();
    health.damaged = check_.lasting();
    return health;
  }

 private:
  const SqliteDatabase& database_;
  const BackgroundCheck& check_;
};

}  // namespace vodlift::store
