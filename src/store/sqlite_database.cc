#include "store/sqlite_database.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "store/ballast.h"
#include "store/log_check.h"
#include "store/sqlite_migrations.h"
#include "store/sqlite_setup.h"

namespace vodlift::store {
namespace {

// The file that `path` leads to if it is a link. SQLite keeps the log beside that file, so the mark belongs there too.
Result<std::filesystem::path> follow_link(const std::filesystem::path& path) {
  std::error_code fault;
  if (!std::filesystem::is_symlink(path, fault)) return path;
  auto file = std::filesystem::canonical(path, fault);
  if (fault) return path;  // it leads nowhere, so the database is missing
  for (const auto& left : {StoreMark::log_of(path), StoreMark::path_of(path)}) {
    if (!std::filesystem::exists(left, fault) && !fault) continue;
    return Error{Errc::config_invalid,
                 fmt::format("the database {} is a link to {}, but {} lies beside the link; nothing was changed. Move "
                             "what belongs to the database beside the file itself",
                             path.string(), file.string(), left.string())};
  }
  return file;
}

// A connection that leaves the files as they are until everything has been checked.
Result<std::unique_ptr<SqliteConnection>> open_checked(const std::filesystem::path& path) {
  auto opened = SqliteConnection::open(path, SqliteConnection::Access::read_write);
  if (!opened) return opened;
  SqliteConnection& connection = **opened;
  connection.set_checkpoint_on_close(false);
  if (auto ours = check_schema(connection, path, sqlite_migrations()); !ours) return ours.error();
  return opened;
}

std::int64_t number_of(SqliteConnection& connection, const char* sql) {
  const auto text = connection.query(sql);
  return text ? std::stoll(*text) : 0;
}

std::int64_t database_number(SqliteConnection& connection) {
  return number_of(connection, "SELECT value FROM counters WHERE name = 'database'");
}

UploadId last_id(SqliteConnection& connection) {
  return number_of(connection, "SELECT seq FROM sqlite_sequence WHERE name = 'uploads'");
}

// Refuses a mark of another database, and a new database beside an old mark.
Result<> check_mark(SqliteConnection& connection, const std::filesystem::path& path, const MarkRecord& mark) {
  const std::int64_t number = has_schema(connection) ? database_number(connection) : 0;
  if (auto error = connection.take_error()) return *error;
  if (number == mark.database) return {};
  return Error{Errc::config_invalid,
               fmt::format("{} is another database than the one that {} belongs to; nothing was changed. Put the right "
                           "database back, or, if this one is meant, move the .mark file to another place",
                           path.string(), StoreMark::path_of(path).string())};
}

// What the mark says while this process runs. Where it is not certain that the database has every id that was given,
// the next one is above all that were reserved.
MarkRecord next_record(SqliteConnection& connection, const std::optional<MarkRecord>& before, const CheckedLog& log) {
  MarkRecord record;
  record.database = database_number(connection);
  record.given = last_id(connection);
  const UploadId last = record.given;
  if (!before) {
    log::warn("the database has no mark; a new one is made, and the next ids are higher",
              {{"hint", "the mark tells whether uploads were lost: keep PATH.mark beside the database"}});
    record.given += StoreMark::kIdsAtOnce;
  } else if (last < before->given || !(log.exact || log.may_be_in_file)) {
    record.given = std::max({last, before->ids_to, before->given});
    log::warn("the last stop was no clean one, or the database was put back from a copy; the next ids are higher",
              {{"last_id", last}, {"last_id_known", before->given}, {"next_id", record.given + 1}});
  }
  record.ids_to = std::max(record.given, before ? before->ids_to : 0);
  record.log = log.generation;
  record.frames = log.frames;
  return record;
}

bool raise_ids(SqliteConnection& connection, UploadId last) {
  return connection.execute("BEGIN IMMEDIATE") &&
         connection.prepare("UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'uploads' AND seq < ?1")
             .bind(last)
             .run() &&
         connection
             .prepare(
                 "INSERT INTO sqlite_sequence (name, seq) SELECT 'uploads', ?1 "
                 "WHERE ?1 > 0 AND NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'uploads')")
             .bind(last)
             .run() &&
         connection.execute("COMMIT");
}

// The mark says that the database is open before anything is written to it; that of a new database is made last.
Result<SqliteWriter::Owned> open_writer(const SqliteOptions& options, WallTime now) {
  const auto& path = options.path;
  const auto before = StoreMark::read(path);
  if (!before) return unreadable(before.error().message);
  const auto log = check_log(path, *before, options.accept_loss);
  if (!log) return log.error();
  // The log's index needs some room, and so does what the log has: where the disk is full, the reserve gives it.
  Ballast ballast(path);
  const bool is_full = ballast.free_bytes() < Ballast::kBytes;
  if (is_full) ballast.release();
  auto opened = open_checked(path);
  if (!opened) return opened.error();
  SqliteConnection& connection = **opened;
  const auto damage = find_damage(connection, path);
  if (!damage) return damage.error();
  if (*before) {
    if (auto right = check_mark(connection, path, **before); !right) return right.error();
  }
  const bool made = !has_schema(connection);
  if (made) {
    if (auto first = check_first_start(path, options.signs); !first) return first.error();
  }
  std::optional<StoreMark> mark;
  UploadId last = 0;
  const auto open_mark = [&](const MarkRecord& record) -> Result<> {
    if (auto error = connection.take_error()) return *damage ? damaged(path, **damage) : *error;
    auto marked = StoreMark::open(path, record);
    if (!marked) return marked.error();
    mark.emplace(std::move(*marked));
    return {};
  };
  if (!made && log->may_be_in_file && !options.accept_loss && last_id(connection) < (*before)->given) {
    return refuse_lost_log(path);
  }
  if (!made) {
    const MarkRecord record = next_record(connection, *before, *log);
    last = record.given;
    if (auto marked = open_mark(record); !marked) return marked.error();
  }
  if (*damage) {
    if (auto rebuilt = rebuild_indexes(connection, path, **damage); !rebuilt) return rebuilt.error();
  }
  connection.set_checkpoint_on_close(true);
  if (auto configured = configure_writer(connection); !configured) return configured.error();
  if (is_full) {
    connection.checkpoint(true);
    if (auto failed = connection.take_error()) log::warn("the log cannot be emptied", {{"error", failed->message}});
  }
  if (auto migrated = migrate(connection, now, sqlite_migrations()); !migrated) return migrated.error();
  if (made) {
    // The file has the schema before it has a mark: however its log may be lost, it is this database.
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    MarkRecord first;
    first.database = database_number(connection);
    if (auto marked = open_mark(first); !marked) return marked.error();
  }
  ballast.keep();
  if (!raise_ids(connection, last)) return *connection.take_error();
  UploadCounts counts(options.most_open_uploads);
  counts.load(connection);
  if (auto error = connection.take_error()) return *error;
  std::unique_ptr<RowNews> news;
  if (options.feed != nullptr) news = std::make_unique<RowNews>(connection, *options.feed);
  return SqliteWriter::Owned{std::move(*opened), std::move(*mark), std::move(ballast), std::move(counts),
                             std::move(news)};
}

Result<std::vector<std::unique_ptr<SqliteConnection>>> open_readers(const SqliteOptions& options) {
  std::vector<std::unique_ptr<SqliteConnection>> readers;
  for (std::size_t i = 0; i < std::clamp<std::size_t>(options.readers, 1, 64); ++i) {
    auto opened = SqliteConnection::open(options.path, SqliteConnection::Access::read_only);
    if (!opened) return opened.error();
    if (auto configured = configure_reader(**opened); !configured) return configured.error();
    readers.push_back(std::move(*opened));
  }
  return readers;
}

}  // namespace

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open(SqliteOptions options, const Clock& clock) {
  if (auto fit = check_directory(options.path); !fit) return fit.error();
  if (!has_bytes(options.path)) {
    auto signs = options.signs;
    signs.insert(signs.begin(), {StoreMark::log_of(options.path), StoreMark::path_of(options.path)});
    if (auto first = check_first_start(options.path, signs); !first) return first.error();
  }
  auto lock = DatabaseLock::take(options.path);
  if (!lock) return lock.error();
  if (auto prepared = prepare_database_file(options.path); !prepared) return prepared.error();
  if (auto held = lock->hold_file(options.path); !held) return held.error();
  auto followed = follow_link(options.path);
  if (!followed) return followed.error();
  options.path = std::move(*followed);
  auto writer = open_writer(options, clock.now());
  if (!writer) return unless_unreadable(writer.error(), options.path);
  auto readers = open_readers(options);
  if (!readers) return readers.error();
  return std::unique_ptr<SqliteDatabase>(
      new SqliteDatabase(std::move(*lock), std::move(*writer), std::move(*readers), options.writer));
}

SqliteDatabase::SqliteDatabase(DatabaseLock lock, SqliteWriter::Owned writer,
                               std::vector<std::unique_ptr<SqliteConnection>> readers, SqliteWriter::Limits limits)
    : lock_(std::move(lock)), writer_(std::move(writer), limits), readers_(std::move(readers)) {}

void SqliteDatabase::drain() {
  [[maybe_unused]] const auto nothing = writer_.write([](SqliteConnection&) -> Result<> { return {}; });
}

}  // namespace vodlift::store
