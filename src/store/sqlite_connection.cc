#include "store/sqlite_connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <stdexcept>

#include "base/file.h"
#include "store/sqlite_wal_buffer.h"

namespace vodlift::store {
namespace {

constexpr int kBusyTimeoutMs = 2000;

Error error_of(sqlite3* handle, int code, const std::filesystem::path& path) {
  const int primary = code & 0xff;
  std::string message = fmt::format("database {}: {}", path.string(), sqlite3_errmsg(handle));
  if (primary == SQLITE_IOERR || primary == SQLITE_FULL || primary == SQLITE_CANTOPEN) {
    if (const int system = sqlite3_system_errno(handle); system != 0) message += ", " + errno_text(system);
    message += "; check the disk and its free space";
  }
  message += fmt::format(" (SQLite {})", code);
  if (means_damage(code)) return {Errc::store_corrupt, std::move(message)};
  if (primary == SQLITE_CONSTRAINT) return {Errc::internal, std::move(message)};
  return {Errc::store_failed, std::move(message)};
}

}  // namespace

bool means_damage(int code) { return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB; }

SqliteStatement::SqliteStatement(SqliteConnection& connection, sqlite3_stmt* statement)
    : connection_(connection), statement_(statement) {}

SqliteStatement::~SqliteStatement() {
  if (statement_ != nullptr) sqlite3_reset(statement_);
}

bool SqliteStatement::step() {
  if (connection_.failed()) return false;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) connection_.record_failure(code);
  return false;
}

bool SqliteStatement::run() {
  while (step()) {
  }
  return !connection_.failed();
}

int SqliteStatement::index_of(std::string_view column) const {
  const int count = sqlite3_column_count(statement_);
  for (int looked = 0; looked < count; ++looked) {
    const int index = (next_column_ + looked) % count;
    if (column != sqlite3_column_name(statement_, index)) continue;
    next_column_ = index + 1;
    return index;
  }
  throw std::logic_error(fmt::format("no column {} in: {}", column, sqlite3_sql(statement_)));
}

bool SqliteStatement::is_null(std::string_view column) const {
  const int index = index_of(column);
  next_column_ = index;  // its value is mostly asked for next
  return sqlite3_column_type(statement_, index) == SQLITE_NULL;
}

std::int64_t SqliteStatement::integer(std::string_view column) const {
  return sqlite3_column_int64(statement_, index_of(column));
}

std::string SqliteStatement::text(std::string_view column) const { return text_at(index_of(column)); }

std::string SqliteStatement::first_text() const { return text_at(0); }

std::string SqliteStatement::text_at(int index) const {
  // The text must be asked for before its length, which may change with a conversion.
  const auto* data = sqlite3_column_text(statement_, index);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, index));
  return data == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(data), size);
}

std::string SqliteStatement::blob(std::string_view column) const { return blob_at(index_of(column)); }

std::string SqliteStatement::blob_at(int index) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, index));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, index));
  return data == nullptr ? std::string() : std::string(data, size);
}

std::vector<std::optional<std::string>> SqliteStatement::values() const {
  std::vector<std::optional<std::string>> all;
  for (int index = 0; index < sqlite3_column_count(statement_); ++index) {
    const bool is_nothing = sqlite3_column_type(statement_, index) == SQLITE_NULL;
    all.push_back(is_nothing ? std::nullopt : std::optional(blob_at(index)));
  }
  return all;
}

std::vector<std::pair<std::string, std::string>> SqliteStatement::columns() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (int index = 0; index < sqlite3_column_count(statement_); ++index) {
    const char* type = sqlite3_column_decltype(statement_, index);
    all.emplace_back(sqlite3_column_name(statement_, index), type == nullptr ? "" : type);
  }
  return all;
}

SqliteStatement& SqliteStatement::bind_all(const std::vector<std::optional<std::string>>& values) {
  int index = 0;
  for (const auto& value : values) bind_one(++index, value);
  return *this;
}

std::optional<std::chrono::milliseconds> time_until(SqliteStatement row, std::string_view column, WallTime now) {
  if (!row.step()) return std::nullopt;
  return std::max(from_unix_ms(row.integer(column)) - now, std::chrono::milliseconds(0));
}

void SqliteStatement::bind_one(int index, std::int64_t value) {
  if (statement_ != nullptr) check(sqlite3_bind_int64(statement_, index, value));
}

void SqliteStatement::bind_one(int index, std::string_view value) {
  if (statement_ == nullptr) return;
  // A null pointer would bind NULL, which an empty string is not.
  const char* data = value.data() == nullptr ? "" : value.data();
  check(sqlite3_bind_text64(statement_, index, data, value.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void SqliteStatement::bind_one(int index, const Blob& value) {
  if (statement_ == nullptr) return;
  const char* data = value.bytes.data() == nullptr ? "" : value.bytes.data();
  check(sqlite3_bind_blob64(statement_, index, data, value.bytes.size(), SQLITE_STATIC));
}

void SqliteStatement::bind_one(int index, std::nullopt_t) {
  if (statement_ != nullptr) check(sqlite3_bind_null(statement_, index));
}

void SqliteStatement::check(int code) {
  if (code != SQLITE_OK) connection_.record_failure(code);
}

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::filesystem::path& path, Access access) {
  // Spares a process-wide mutex at every allocation; only takes before SQLite's first use, and later does no harm.
  [[maybe_unused]] static const int configured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  sqlite3* handle = nullptr;
  const int flags = (access == Access::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_EXRESCODE;
  const char* vfs = access == Access::read_write ? buffered_wal_vfs() : nullptr;
  if (access == Access::alone) vfs = "unix-none";
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, vfs);
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(handle, path));
  if (code != SQLITE_OK) return error_of(handle, code, path);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  sqlite3_wal_hook(
      handle,
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<SqliteConnection*>(self)->wal_pages_ = pages;
        return SQLITE_OK;
      },
      connection.get());
  return connection;
}

SqliteConnection::SqliteConnection(sqlite3* handle, std::filesystem::path path)
    : handle_(handle), path_(std::move(path)) {}

SqliteConnection::~SqliteConnection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

SqliteStatement SqliteConnection::prepare(std::string_view sql) {
  if (failed()) return {*this, nullptr};
  if (const auto known = statements_.find(sql); known != statements_.end()) {
    assert(sqlite3_stmt_busy(known->second) == 0);
    return {*this, known->second};
  }
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                      &statement, nullptr);
  if (code != SQLITE_OK) {
    record_failure(code);
    return {*this, nullptr};
  }
  statements_.emplace(sql, statement);
  return {*this, statement};
}

bool SqliteConnection::execute(const std::string& sql) {
  if (failed()) return false;
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) record_failure(code);
  return code == SQLITE_OK;
}

std::optional<std::string> SqliteConnection::query(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement.step()) return std::nullopt;
  return statement.first_text();
}

std::optional<std::string> SqliteConnection::query_within(std::string_view sql, std::chrono::milliseconds patience) {
  constexpr int kInstructionsBetweenLooks = 100'000;
  auto until = std::chrono::steady_clock::now() + patience;
  sqlite3_progress_handler(
      handle_, kInstructionsBetweenLooks,
      [](void* end) { return std::chrono::steady_clock::now() > *static_cast<SteadyTime*>(end) ? 1 : 0; }, &until);
  auto answer = query(sql);
  sqlite3_progress_handler(handle_, 0, nullptr, nullptr);
  if (error_ && sqlite3_errcode(handle_) == SQLITE_INTERRUPT) error_.reset();
  return answer;
}

std::optional<Error> SqliteConnection::take_error() { return std::exchange(error_, std::nullopt); }

void SqliteConnection::fail(std::string message) {
  if (!failed()) error_ = Error{Errc::store_corrupt, fmt::format("database {}: {}", path_.string(), message)};
}

void SqliteConnection::interrupt() { sqlite3_interrupt(handle_); }

void SqliteConnection::roll_back() {
  if (sqlite3_get_autocommit(handle_) == 0) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

std::int64_t SqliteConnection::changes() const { return sqlite3_changes64(handle_); }
std::int64_t SqliteConnection::total_changes() const { return sqlite3_total_changes64(handle_); }
std::int64_t SqliteConnection::last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }

bool SqliteConnection::checkpoint(bool restart) {
  const int mode = restart ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE;
  int moved = 0;
  const int code = sqlite3_wal_checkpoint_v2(handle_, nullptr, mode, nullptr, &moved);
  pages_moved_ = std::max(moved, 0);
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) record_failure(code);
  return !failed();
}

void SqliteConnection::set_checkpoint_on_close(bool wanted) {
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, wanted ? 0 : 1, nullptr);
}

void SqliteConnection::harden() {
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
}

void SqliteConnection::record_failure(int code) {
  if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC) sync_failed_ = true;
  const bool io = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
  if ((code & 0xff) == SQLITE_FULL || (io && sqlite3_system_errno(handle_) == ENOSPC)) disk_full_ = true;
  if (!failed()) error_ = error_of(handle_, code, path_);
}

}  // namespace vodlift::store
