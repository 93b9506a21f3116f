// One SQLite connection and the statements on it. Failures are kept by the connection, so that code made of several
// statements reads straight through: after the first failure every further step does nothing.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "core/row.h"

struct sqlite3;
struct sqlite3_stmt;

namespace vodlift::store {

class SqliteConnection;

// Whether SQLite's result `code`, extended or not, says that the file is damaged or no database.
bool means_damage(int code);

// Bytes to be bound as BLOB; they must live until the statement has been stepped.
struct Blob {
  std::string_view bytes;
};

// A prepared statement on loan from its connection's cache; reset when it goes. Strings are bound without a copy and
// must outlive the last step(). One thread.
class SqliteStatement final : public Row {
 public:
  SqliteStatement(SqliteConnection& connection, sqlite3_stmt* statement);
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;
  ~SqliteStatement() override;

  // Binds ?1, ?2, … in order.
  template <class... Values>
  SqliteStatement& bind(const Values&... values) {
    int index = 0;
    (bind_one(++index, values), ...);
    return *this;
  }

  // The same for values as text, of which each must live until the statement has been stepped. Nothing: NULL.
  SqliteStatement& bind_all(const std::vector<std::optional<std::string>>& values);

  // True when a row is there; false at the end and after any failure of the connection.
  bool step();
  // Runs a statement that answers no row; true when it succeeded.
  bool run();

  // Of the current row.
  [[nodiscard]] bool is_null(std::string_view column) const override;
  [[nodiscard]] std::int64_t integer(std::string_view column) const override;
  [[nodiscard]] std::string text(std::string_view column) const override;
  [[nodiscard]] std::string blob(std::string_view column) const override;
  // The first column, for the rows of a PRAGMA.
  [[nodiscard]] std::string first_text() const;
  // All columns as text, blobs as they are. Nothing: NULL.
  [[nodiscard]] std::vector<std::optional<std::string>> values() const;

  // Of the statement: each column's name, and the type that its table declares (empty: it is no column of a table).
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> columns() const;

 private:
  void bind_one(int index, std::int64_t value);
  void bind_one(int index, int value) { bind_one(index, std::int64_t{value}); }
  void bind_one(int index, bool value) { bind_one(index, std::int64_t{value}); }
  void bind_one(int index, std::string_view value);
  void bind_one(int index, const std::string& value) { bind_one(index, std::string_view(value)); }
  void bind_one(int index, const char* value) { bind_one(index, std::string_view(value)); }
  void bind_one(int index, const Blob& value);
  void bind_one(int index, std::nullopt_t);
  template <class T>
  void bind_one(int index, const std::optional<T>& value) {
    value ? bind_one(index, *value) : bind_one(index, std::nullopt);
  }
  void check(int code);
  [[nodiscard]] int index_of(std::string_view column) const;
  [[nodiscard]] std::string text_at(int index) const;
  [[nodiscard]] std::string blob_at(int index) const;

  SqliteConnection& connection_;
  sqlite3_stmt* statement_;
  mutable int next_column_ = 0;  // where the last name was found, plus one: columns are mostly read in their order
};

// How long until the time in `column` of the first row, 0 where it is past; empty where there is no row.
std::optional<std::chrono::milliseconds> time_until(SqliteStatement row, std::string_view column, WallTime now);

// One thread at a time.
class SqliteConnection {
 public:
  // alone: reads and writes, and takes no locks: for a file that nobody else opens, on any file system.
  enum class Access { read_write, read_only, alone };

  // Opens an existing file. Errors: store_failed, store_corrupt.
  static Result<std::unique_ptr<SqliteConnection>> open(const std::filesystem::path& path, Access access);

  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;
  ~SqliteConnection();

  // The statement for `sql`, prepared once for each distinct text. It must not be in use already.
  SqliteStatement prepare(std::string_view sql);

  // Runs one or several statements, ignoring rows; true when all succeeded.
  bool execute(const std::string& sql);

  // First column of the first row; nothing where there is no row or after a failure.
  std::optional<std::string> query(std::string_view sql);

  // The same, given up after `patience`: nothing then, and no failure.
  std::optional<std::string> query_within(std::string_view sql, std::chrono::milliseconds patience);

  [[nodiscard]] bool failed() const { return error_.has_value(); }
  // Returns the failure since the last call and clears it. Codes: store_corrupt (damaged, or no database), internal
  // (a constraint was violated), store_failed (all else).
  std::optional<Error> take_error();
  // Whether a sync to the disk ever failed: what the disk holds of the last changes is then unknown for good.
  [[nodiscard]] bool sync_failed() const { return sync_failed_; }
  // Whether the disk had no room since the last call.
  bool take_disk_full() { return std::exchange(disk_full_, false); }
  // Records a failure that SQLite does not know of (a row that cannot be understood); store_corrupt.
  void fail(std::string message);

  // Ends the statement that runs, which fails then. Any thread, while the connection lives.
  void interrupt();

  // Ends an open transaction, undoing it; harmless when none is open. Clears no failure.
  void roll_back();

  // Rows changed by the last statement / since the connection was opened.
  [[nodiscard]] std::int64_t changes() const;
  [[nodiscard]] std::int64_t total_changes() const;

  [[nodiscard]] std::int64_t last_insert_id() const;

  // Pages in the write-ahead log after the last commit of this connection.
  [[nodiscard]] int wal_pages() const { return wal_pages_; }
  // Moves pages from the write-ahead log into the file as far as readers allow. `restart`: waits for readers up to the
  // busy time-out so that the log begins anew. Returns false on failure (kept), not when readers were in the way.
  bool checkpoint(bool restart);
  // Of those pages, how many the last checkpoint found moved, the first ones.
  [[nodiscard]] int pages_moved() const { return pages_moved_; }
  // Whether closing, as the last connection, moves the log into the file (as SQLite does unless told otherwise).
  void set_checkpoint_on_close(bool wanted);
  // Protects against a hostile or damaged file: nothing but its own statements changes the schema.
  void harden();

  [[nodiscard]] sqlite3* handle() const { return handle_; }

 private:
  friend class SqliteStatement;
  friend class SqlitePageCopy;

  // By the length and the end of the text: to hash a long statement whole takes as long as some of its steps.
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      constexpr std::size_t kHashedBytes = 16;
      return std::hash<std::string_view>()(text.substr(text.size() - std::min(text.size(), kHashedBytes))) ^
             text.size();
    }
  };

  SqliteConnection(sqlite3* handle, std::filesystem::path path);
  void record_failure(int code);

  sqlite3* handle_;
  const std::filesystem::path path_;
  std::optional<Error> error_;
  bool sync_failed_ = false;
  bool disk_full_ = false;
  int wal_pages_ = 0;
  int pages_moved_ = 0;
  std::unordered_map<std::string, sqlite3_stmt*, TextHash, std::equal_to<>> statements_;
};

}  // namespace vodlift::store
