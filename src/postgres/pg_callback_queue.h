// Callbacks to be delivered, in PostgreSQL.
#pragma once

#include <string>
#include <vector>

#include "core/callback_queue.h"
#include "postgres/pg_queue.h"

namespace vodlift::postgres {

// CallbackQueue over a PgDatabase. Any thread.
class PgCallbackQueue final : public CallbackQueue {
 public:
  explicit PgCallbackQueue(PgQueue queue) : queue_(std::move(queue)) {}

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
  const PgQueue queue_;
};

// The callback of an upload that has ended in the transaction.
struct NewCallback {
  Upload ended;
  std::string body;
};

// Makes them due.
void insert_callbacks(PgTransaction& transaction, const std::vector<NewCallback>& callbacks);

}  // namespace vodlift::postgres
