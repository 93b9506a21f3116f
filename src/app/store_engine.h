// What the server asks of its database besides the ports.
#pragma once

#include <cstdint>
#include <optional>

#include "base/error.h"
#include "base/metrics.h"
#include "core/backup.h"
#include "core/stored_tables.h"

namespace vodlift::app {

// Any thread, but for start() and stop(), which are for the owner.
class StoreEngine {
 public:
  StoreEngine() = default;
  StoreEngine(const StoreEngine&) = delete;
  StoreEngine& operator=(const StoreEngine&) = delete;
  virtual ~StoreEngine() = default;

  // Begins and ends what looks after the database in the background. stop() may be called twice.
  virtual void start() = 0;
  virtual void stop() = 0;
  // Waits until each change that was handed over is answered.
  virtual void drain() = 0;

  // Whether other nodes change the same database.
  [[nodiscard]] virtual bool is_shared() const = 0;

  // Why the process has to stop: a newer program has changed the database. It changes only where others use it too.
  [[nodiscard]] virtual std::optional<Error> outdated() const = 0;

  virtual Backups& backups() = 0;
  // Gives up the backup that is under way, and takes no more. May be called twice.
  virtual void stop_backups() = 0;

  // An account may have so many uploads that have not ended, from now on.
  virtual void limit_open_uploads(std::int64_t most) = 0;
  // For copying the database whole. Of one thread.
  virtual StoredTables& tables() = 0;
  // Whether nobody else has used the database since it was opened for that (StoreUse). Errors: locked, store_failed.
  virtual Result<> check_alone() = 0;
  // The families vodlift_store_commit_*, and what else only the engine knows.
  virtual void write_metrics(MetricsText& text) const = 0;
};

}  // namespace vodlift::app
