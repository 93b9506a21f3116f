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

  Result<std::vector<AccountId>> due_accounts(AccountId from, int limit) override;
  Result<std::vector<DueReceiver>> due_receivers(AccountId account, const std::string& after, int limit,
                                                 int depth) override;
  Result<std::vector<ClaimedCallback>> claim(const std::vector<std::int64_t>& ids,
                                             std::chrono::milliseconds lease) override;
  Result<std::vector<std::int64_t>> record(const std::vector<RecordedAttempt>& attempts) override;
  Result<int> refuse(AccountId account, const std::string& receiver, const std::string& reason, int limit) override;
  Result<> reclaim() override;
  Result<std::optional<std::chrono::milliseconds>> next_due() override;

 private:
  const SqliteQueue queue_;
};

// Adds the callback of an upload that has ended, inside the caller's transaction; it is due at once.
void insert_callback(SqliteConnection& connection, const Upload& ended, const std::string& body, WallTime now);

}  // namespace vodlift::store
