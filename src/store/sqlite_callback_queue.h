// The callbacks in SQLite.
#pragma once

#include <string>

#include "core/callback_queue.h"
#include "store/sqlite_queue.h"

namespace vodlift::store {

// CallbackQueue over a SqliteDatabase. Internally locked.
class SqliteCallbackQueue final : public CallbackQueue {
 public:
  explicit SqliteCallbackQueue(SqliteQueue queue) : queue_(std::move(queue)) {}

  // 1,000 at most.
  Result<std::vector<ClaimedCallback>> claim(int limit, std::chrono::milliseconds lease) override;
  Result<> record(const ClaimedCallback& callback, const CallbackAttempt& attempt) override;
  Result<> reclaim() override;
  Result<std::optional<std::chrono::milliseconds>> next_due() override;

 private:
  const SqliteQueue queue_;
};

// Adds the callback of an upload that has ended, inside the caller's transaction; it is due at once.
void insert_callback(SqliteConnection& connection, const Upload& ended, const std::string& body, WallTime now);

}  // namespace vodlift::store
