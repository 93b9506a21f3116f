// The schema's history, carried in the binary.
#pragma once

#include <array>
#include <filesystem>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "store/sqlite_connection.h"

namespace vodlift::store {

// One file of migrations/sqlite: number from its name, counted from 1 without gaps.
struct Migration {
  int number = 0;
  std::string_view name;  // "0001_queue"
  std::string_view sql;
};

std::span<const Migration> sqlite_migrations();

// Refuses what this binary must not touch: somebody else's database, and one that a newer vodlift has changed. Only
// reads. Errors: config_invalid, store_corrupt, store_failed.
Result<> check_schema(SqliteConnection& connection, const std::filesystem::path& path);

// Brings the schema up to the last of `steps`, each in a transaction of its own. Those it has already are left
// alone. Errors: store_failed (the steps before stay).
Result<> migrate(SqliteConnection& connection, WallTime now, std::span<const Migration> steps = sqlite_migrations());

}  // namespace vodlift::store
