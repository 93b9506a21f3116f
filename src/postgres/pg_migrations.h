// The steps that make the schema. The binary carries them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.h"
#include "postgres/pg_connection.h"

namespace vodlift::postgres {

// One file of migrations/: number from its name, counted from 1 without gaps. Programs that know fewer steps may run on
// beside it if its first line says how many they must know: "-- readable by step N". Without that line, none may.
struct Migration {
  int number = 0;
  std::string_view name;  // "0001_schema"
  std::string_view sql;
};

std::span<const Migration> postgres_migrations();

// Of the advisory lock under which schemas change: "VLFT".
inline constexpr std::int64_t kMigrationLock = 1447839316;

// How many steps a program must know to use the schema after this one.
std::int64_t readable_by(const Migration& step);

// Brings the schema `vodlift` up to the last of `steps`, each in a transaction of its own; makes it where there is
// none. Nodes that start at the same time wait for each other. Steps that were applied before are not applied again,
// and later ones that a newer release applied are left alone. Errors: config_invalid (the schema was made by another
// program, or by a newer release in a way that this one cannot use), store_failed (the steps before the failed one
// stay).
Result<> migrate(PgConnection& connection, std::span<const Migration> steps);

// Whether a program that knows `known` steps may use the schema as it is now; it runs one statement, whose failure the
// connection keeps. Errors: config_invalid (a newer release has changed it).
Result<> check_readable(PgConnection& connection, std::int64_t known);

}  // namespace vodlift::postgres
