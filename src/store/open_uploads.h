// How many uploads of each account have not ended.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/upload.h"
#include "store/sqlite_connection.h"

namespace vodlift::store {

// The database is asked once, when it is opened. From then on the numbers are kept in memory, so that an insert costs
// no query, however many uploads wait. They follow the writer's transactions: what was counted in one that was not
// committed is taken back when the next one begins.
//
// For the writer's thread. Has one number for each account that had an upload, and one line for each upload that the
// transaction adds or ends.
class OpenUploads {
 public:
  // An account may have `most` of them.
  explicit OpenUploads(std::int64_t most) : most_(most) {}

  // Counts those of the database. A failure is kept by the connection.
  void count(SqliteConnection& connection);

  [[nodiscard]] std::int64_t most() const { return most_; }
  // Whether the account has as many as it may have.
  [[nodiscard]] bool is_full(AccountId account) const;

  // For a change that has been made: one more, one less.
  void add(AccountId account) { change(account, 1); }
  void remove(AccountId account) { change(account, -1); }

  // A transaction begins; the last one is over, and was not committed unless committed() was called.
  void begin();
  void committed() { uncommitted_.clear(); }

 private:
  struct Step {
    AccountId account = 0;
    int by = 0;
  };

  void change(AccountId account, int by);

  const std::int64_t most_;
  std::unordered_map<AccountId, std::int64_t> counts_;
  std::vector<Step> uncommitted_;
};

}  // namespace vodlift::store
