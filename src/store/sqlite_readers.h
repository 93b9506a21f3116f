// A few connections that only read, so that looking never waits for writing.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "store/sqlite_connection.h"

namespace vodlift::store {

// Internally locked.
class SqliteReaders {
 public:
  explicit SqliteReaders(std::vector<std::unique_ptr<SqliteConnection>> connections);
  SqliteReaders(const SqliteReaders&) = delete;
  SqliteReaders& operator=(const SqliteReaders&) = delete;

  // Runs `query` on a free connection, waiting for one; all its statements see one committed state.
  Result<> read(const std::function<Result<>(SqliteConnection&)>& query);

 private:
  std::unique_ptr<SqliteConnection> take();
  void give_back(std::unique_ptr<SqliteConnection> connection);

  std::mutex mutex_;
  std::condition_variable free_;
  std::vector<std::unique_ptr<SqliteConnection>> idle_;
};

}  // namespace vodlift::store
