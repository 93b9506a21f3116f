// Callbacks as people see them, in PostgreSQL.
#pragma once

#include "core/callback_history.h"
#include "postgres/pg_database.h"

namespace vodlift::postgres {

// CallbackHistory over a PgDatabase. Any thread.
class PgCallbackHistory final : public CallbackHistory {
 public:
  explicit PgCallbackHistory(PgDatabase& database) : database_(database) {}

  Result<CallbackPage> list(const CallbackQuery& query) override;
  Result<CallbackStory> find(std::int64_t id) override;
  Result<CallbackStory> find_of(UploadId upload) override;
  Result<std::vector<CallbackReceiver>> receivers(AccountId account) override;
  Result<> send_again(std::int64_t id) override;

 private:
  PgDatabase& database_;
};

}  // namespace vodlift::postgres
