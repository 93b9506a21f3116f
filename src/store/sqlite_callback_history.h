// Callbacks as the doors see them, in SQLite.
#pragma once

#include "core/callback_history.h"
#include "core/change_feed.h"
#include "store/sqlite_database.h"

namespace vodlift::store {

// CallbackHistory over a SqliteDatabase. Everything given must outlive it. Internally locked.
//
// A list reads rows in the order of an index: of one account, of one account and state, or of one state that is not
// `delivered`. Anything else that the query wants is compared row by row.
class SqliteCallbackHistory final : public CallbackHistory {
 public:
  SqliteCallbackHistory(SqliteDatabase& database, const Clock& clock, LocalChangeFeed& feed)
      : database_(database), clock_(clock), feed_(feed) {}

  Result<CallbackPage> list(const CallbackQuery& query) override;
  Result<CallbackStory> find(std::int64_t id) override;
  Result<CallbackStory> find_of(UploadId upload) override;
  Result<std::vector<CallbackReceiver>> receivers(AccountId account) override;
  Result<> send_again(std::int64_t id) override;

 private:
  SqliteDatabase& database_;
  const Clock& clock_;
  LocalChangeFeed& feed_;
};

}  // namespace vodlift::store
