// The steps that make the schema. The binary carries them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.h"
#include "postgres/pg_connection.h"

namespace vodlift::postgres {

// One file of migrations/: number from its name, counted from 1 without gaps.
struct Migration {
  int number = 0;
  std::string_view name;  // "0001_schema"
  std::string_view sql;
};

std::span<const Migration> postgres_migrations();

// Of the advisory lock under which schemas change: "VLFT".
inline constexpr std::int64_t kMigrationLock = 1447839316;

// Brings the schema `vodlift` up to the last of `steps`, each in a transaction of its own; makes it where there is
// none. Nodes that start at the same time wait for each other. Steps that were applied before are not applied again.
// Errors: config_invalid (the schema was made by another program, or by a newer release), store_failed (the steps
// before the failed one stay).
Result<> migrate(PgConnection& connection, std::span<const Migration> steps);

}  // namespace vodlift::postgres
