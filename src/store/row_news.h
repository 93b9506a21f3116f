// Which uploads and callbacks a transaction changes, told once it is committed.
#pragma once

#include <cstdint>
#include <vector>

#include "core/change_feed.h"
#include "store/sqlite_connection.h"

namespace vodlift::store {

// SQLite itself tells of each row, so no change can be forgotten. For the writer's thread. Holds 8 bytes for each
// change of the transaction, kMostRows at most; with more it tells that any upload may have changed.
class RowNews {
 public:
  static constexpr std::size_t kMostRows = 16384;

  // Both must outlive it, but for the connection's last close.
  RowNews(SqliteConnection& connection, LocalChangeFeed& feed);
  RowNews(const RowNews&) = delete;
  RowNews& operator=(const RowNews&) = delete;
  ~RowNews() = default;

  // A transaction begins; nothing is told of the last one, unless committed() was called.
  void begin();
  // Publishes `upload_changed` and `callback_changed`. Costs nothing that could be measured while nobody follows them.
  void committed();

 private:
  void publish();
  void note(std::vector<std::int64_t>& rows, std::int64_t id);

  LocalChangeFeed& feed_;
  std::vector<std::int64_t> uploads_;
  std::vector<std::int64_t> callbacks_;
};

}  // namespace vodlift::store
