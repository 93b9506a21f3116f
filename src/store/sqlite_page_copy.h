// Copies a database page by page, a few at a time.
#pragma once

#include <cstdint>

#include "store/sqlite_connection.h"

struct sqlite3_backup;

namespace vodlift::store {

// The transaction that `from` has open when it begins must stay open to its end: then the copy is one state. Nobody
// else may use `to` meanwhile. One thread.
class SqlitePageCopy {
 public:
  // Both outlive it. A failure is kept by `to`.
  SqlitePageCopy(SqliteConnection& from, SqliteConnection& to);
  SqlitePageCopy(const SqlitePageCopy&) = delete;
  SqlitePageCopy& operator=(const SqlitePageCopy&) = delete;
  ~SqlitePageCopy() { finish(); }

  // Copies at most `pages` more. True while there is more to copy; false at the end, and after a failure.
  bool step(int pages);

 private:
  void finish();

  SqliteConnection& to_;
  sqlite3_backup* copy_;
};

}  // namespace vodlift::store
