// The steps that make the schema. The binary carries them.
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

// Refuses a database that this binary must not touch: another program's, and one that has other steps than `steps` or
// more of them. Only reads. Errors: config_invalid, store_corrupt, store_failed.
Result<> check_schema(SqliteConnection& connection, const std::filesystem::path& path,
                      std::span<const Migration> steps);

// False for a database that is new. Only reads; a failure stays with the connection.
bool has_schema(SqliteConnection& connection);

// Brings the schema up to the last of `steps`, each in a transaction of its own. Steps that were applied before are not
// applied again. Errors: store_failed (the steps before the failed one stay).
Result<> migrate(SqliteConnection& connection, WallTime now, std::span<const Migration> steps);

}  // namespace vodlift::store
