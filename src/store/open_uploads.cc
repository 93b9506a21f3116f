#include "store/open_uploads.h"

#include "store/sqlite_statements.h"

namespace vodlift::store {

void OpenUploads::count(SqliteConnection& connection) {
  auto row = connection.prepare(sql::kCountOpen);
  while (row.step()) counts_[row.integer("account")] = row.integer("uploads");
}

bool OpenUploads::is_full(AccountId account) const {
  const auto at = counts_.find(account);
  return at != counts_.end() && at->second >= most_;
}

void OpenUploads::begin() {
  for (const Step& step : uncommitted_) counts_[step.account] -= step.by;
  uncommitted_.clear();
}

// What can run out of memory comes first: the number and its line change together.
void OpenUploads::change(AccountId account, int by) {
  std::int64_t& count = counts_[account];
  uncommitted_.push_back({account, by});
  count += by;
}

}  // namespace vodlift::store
