#include "store/sqlite_database.h"

#include <algorithm>

#include "store/sqlite_migrations.h"
#include "store/sqlite_setup.h"

namespace vodlift::store {
namespace {

// A connection that leaves the files as they are until everything has been checked.
Result<std::unique_ptr<SqliteConnection>> open_checked(const std::filesystem::path& path) {
  auto opened = SqliteConnection::open(path, SqliteConnection::Access::read_write);
  if (!opened) return opened;
  SqliteConnection& connection = **opened;
  connection.set_checkpoint_on_close(false);
  if (auto ours = check_schema(connection, path, sqlite_migrations()); !ours) return ours.error();
  if (auto sound = check_integrity(connection, path); !sound) return sound.error();
  connection.set_checkpoint_on_close(true);
  return opened;
}

Result<std::unique_ptr<SqliteConnection>> open_writer(const std::filesystem::path& path, WallTime now) {
  auto opened = open_checked(path);
  if (!opened) return opened;
  if (auto configured = configure_writer(**opened); !configured) return configured.error();
  if (auto migrated = migrate(**opened, now, sqlite_migrations()); !migrated) return migrated.error();
  return opened;
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

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open(const SqliteOptions& options, const Clock& clock) {
  if (auto fit = check_directory(options.path); !fit) return fit.error();
  auto lock = DatabaseLock::take(options.path);
  if (!lock) return lock.error();
  if (auto prepared = prepare_database_file(options.path); !prepared) return prepared.error();
  if (auto held = lock->hold_file(options.path); !held) return held.error();
  auto writer = open_writer(options.path, clock.now());
  if (!writer) return unless_unreadable(writer.error(), options.path);
  auto readers = open_readers(options);
  if (!readers) return readers.error();
  return std::unique_ptr<SqliteDatabase>(
      new SqliteDatabase(std::move(*lock), std::move(*writer), std::move(*readers), options.writer));
}

SqliteDatabase::SqliteDatabase(DatabaseLock lock, std::unique_ptr<SqliteConnection> writer,
                               std::vector<std::unique_ptr<SqliteConnection>> readers, SqliteWriter::Limits limits)
    : lock_(std::move(lock)), writer_(std::move(writer), limits), readers_(std::move(readers)) {}

void SqliteDatabase::drain() {
  [[maybe_unused]] const auto nothing = writer_.write([](SqliteConnection&) -> Result<> { return {}; });
}

}  // namespace vodlift::store
