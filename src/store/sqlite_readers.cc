#include "store/sqlite_readers.h"

#include <utility>

#include "base/log.h"

namespace vodlift::store {

SqliteReaders::SqliteReaders(std::vector<std::unique_ptr<SqliteConnection>> connections)
    : idle_(std::move(connections)) {}

Result<> SqliteReaders::read(const std::function<Result<>(SqliteConnection&)>& query) {
  auto connection = take();
  Result<> outcome;
  // An open read transaction would keep the write-ahead log from beginning anew: none outlives this function, not
  // even when the query throws.
  struct Return {
    SqliteReaders& readers;
    std::unique_ptr<SqliteConnection>& connection;
    ~Return() {
      connection->roll_back();
      readers.give_back(std::move(connection));
    }
  } const give_back_at_end{*this, connection};

  if (connection->prepare("BEGIN").run()) {
    outcome = query(*connection);
    connection->prepare("COMMIT").run();
  }
  if (auto error = connection->take_error()) {
    log::error("the database refused a query", {{"code", info(error->code).name}, {"error", error->message}});
    if (error->code == Errc::store_corrupt) error->code = Errc::store_failed;
    return std::move(*error);
  }
  return outcome;
}

std::unique_ptr<SqliteConnection> SqliteReaders::take() {
  std::unique_lock lock(mutex_);
  free_.wait(lock, [&] { return !idle_.empty(); });
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void SqliteReaders::give_back(std::unique_ptr<SqliteConnection> connection) {
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
  }
  free_.notify_one();
}

}  // namespace vodlift::store
