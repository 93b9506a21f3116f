#include "store/sqlite_page_copy.h"

#include <sqlite3.h>

#include <utility>

namespace vodlift::store {

SqlitePageCopy::SqlitePageCopy(SqliteConnection& from, SqliteConnection& to)
    : to_(to), copy_(sqlite3_backup_init(to.handle_, "main", from.handle_, "main")) {
  if (copy_ == nullptr) to_.record_failure(sqlite3_extended_errcode(to_.handle_));
}

bool SqlitePageCopy::step(int pages) {
  if (copy_ == nullptr || to_.failed()) return false;
  const int code = sqlite3_backup_step(copy_, pages);
  if (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED) return true;
  finish();
  if (code != SQLITE_DONE) to_.record_failure(code);
  return false;
}

// Sets the connection's error, which record_failure() reads.
void SqlitePageCopy::finish() {
  if (copy_ != nullptr) sqlite3_backup_finish(std::exchange(copy_, nullptr));
}

}  // namespace vodlift::store
