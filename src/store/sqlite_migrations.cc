#include "store/sqlite_migrations.h"

#include <fmt/format.h>

#include <algorithm>

namespace vodlift::store {
namespace {

// "VLFT", in the file's header: tells our databases from other people's.
constexpr std::string_view kApplicationId = "1447839316";

constexpr std::string_view kTableCount = "SELECT count(*) FROM sqlite_schema";
constexpr std::string_view kHistory = "SELECT number, name FROM migrations ORDER BY number";
constexpr std::string_view kNewest = "SELECT coalesce(max(number), 0) FROM migrations";
constexpr std::string_view kRecord = "INSERT INTO migrations (number, name, applied_ms) VALUES (?1, ?2, ?3)";

constexpr const char* kCreateHistory =
    "CREATE TABLE IF NOT EXISTS migrations ("
    " number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, applied_ms INTEGER NOT NULL) STRICT";

Result<> outcome(SqliteConnection& connection) {
  if (auto error = connection.take_error()) return *error;
  return {};
}

Error foreign(const std::filesystem::path& path) {
  return {Errc::config_invalid,
          fmt::format("{} is an SQLite database, but not one of vodlift's: give another [store] path", path.string())};
}

Result<> check_history(SqliteConnection& connection, const std::filesystem::path& path,
                       std::span<const Migration> known) {
  auto history = connection.prepare(kHistory);
  while (history.step()) {
    const auto number = history.integer("number");
    if (number > std::ssize(known)) {
      return Error{Errc::config_invalid,
                   fmt::format("{} was written by a newer vodlift (schema step {}, this one knows {}): start the newer "
                               "version, or restore the backup made before the upgrade; nothing was changed",
                               path.string(), number, known.size())};
    }
    if (number < 1 || known[static_cast<std::size_t>(number - 1)].name != history.text("name")) {
      return Error{Errc::config_invalid, fmt::format("{} has a schema step {} '{}' that no release of vodlift made",
                                                     path.string(), number, history.text("name"))};
    }
  }
  return outcome(connection);
}

bool apply(SqliteConnection& connection, const Migration& migration, WallTime now) {
  const bool done = connection.execute("BEGIN IMMEDIATE") && connection.execute(std::string(migration.sql)) &&
                    connection.prepare(kRecord).bind(migration.number, migration.name, to_unix_ms(now)).run() &&
                    connection.execute("COMMIT");
  if (!done) connection.roll_back();
  return done;
}

}  // namespace

bool has_schema(SqliteConnection& connection) { return connection.query(kTableCount).value_or("0") != "0"; }

Result<> check_schema(SqliteConnection& connection, const std::filesystem::path& path,
                      std::span<const Migration> steps) {
  const auto application = connection.query("PRAGMA application_id");
  const auto tables = connection.query(kTableCount);
  if (auto error = connection.take_error()) return *error;
  if (tables == "0" && application == "0") return {};
  if (application != kApplicationId) return foreign(path);
  return check_history(connection, path, steps);
}

Result<> migrate(SqliteConnection& connection, WallTime now, std::span<const Migration> steps) {
  const bool ready = connection.execute("BEGIN IMMEDIATE") && connection.execute(kCreateHistory) &&
                     connection.execute(fmt::format("PRAGMA application_id = {}", kApplicationId)) &&
                     connection.execute("COMMIT");
  if (!ready) connection.roll_back();
  const auto newest = connection.query(kNewest);
  if (auto error = connection.take_error()) return *error;
  for (const Migration& migration : steps.subspan(std::min<std::size_t>(std::stoul(*newest), steps.size()))) {
    if (!apply(connection, migration, now)) {
      return with_context(fmt::format("cannot bring the schema to step {}", migration.name), *connection.take_error());
    }
  }
  return {};
}

}  // namespace vodlift::store
