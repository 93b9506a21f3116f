#include "postgres/pg_migrations.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/log.h"

namespace vodlift::postgres {
namespace {

// A step may have to build an index of a large table, and another node waits for it.
constexpr const char* kNoTimeLimits = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'";
constexpr std::chrono::seconds kLockPatience{65};
constexpr std::chrono::hours kStepPatience{24};

Result<> outcome_of(PgConnection& connection) {
  if (auto failure = connection.take_failure()) return failure->error;
  return {};
}

// Begins a transaction of its own, once nobody else changes the schema.
void begin_alone(PgConnection& connection) {
  connection.execute(fmt::format("BEGIN; {}; SELECT pg_advisory_xact_lock({})", kNoTimeLimits, kMigrationLock),
                     kLockPatience);
}

Result<> end(PgConnection& connection) {
  if (connection.commit() == Committed::yes) return {};
  auto outcome = outcome_of(connection);
  if (!outcome) return outcome;
  return Error{Errc::store_failed, "the database did not confirm a change of its schema: start again"};
}

Result<> make_history(PgConnection& connection) {
  begin_alone(connection);
  if (auto waited = outcome_of(connection); !waited) {
    return with_context("waiting until nobody changes the schema, or copies the database", waited.error());
  }
  const auto ours = connection.execute("SELECT to_regclass('vodlift.migrations') IS NOT NULL");
  const auto there = connection.execute("SELECT to_regnamespace('vodlift') IS NOT NULL");
  if (ours == "f" && there == "t") {
    const auto tables =
        connection.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'vodlift'::regnamespace");
    if (tables && *tables != "0") {
      connection.roll_back();
      return Error{Errc::config_invalid,
                   "the database has a schema vodlift that another program made: give another database in [store] url"};
    }
  }
  if (ours == "f") {
    connection.execute(
        "CREATE SCHEMA IF NOT EXISTS vodlift; CREATE TABLE migrations (number integer PRIMARY KEY, "
        "name text NOT NULL UNIQUE, readable_by integer NOT NULL, applied timestamptz NOT NULL DEFAULT now())");
  }
  return end(connection);
}

// How many steps are applied.
Result<std::size_t> check_history(PgConnection& connection, std::span<const Migration> known) {
  std::size_t applied = 0;
  auto history = connection.run("SELECT number, name FROM migrations ORDER BY number");
  while (history.next()) {
    const auto number = history.integer("number");
    if (number > std::ssize(known)) {
      log::warn("the database was changed by a newer vodlift, beside which this one may run for the time of an upgrade",
                {{"schema_step", number}, {"known", std::ssize(known)}});
      break;
    }
    if (number < 1 || known[static_cast<std::size_t>(number - 1)].name != history.text("name")) {
      return Error{Errc::config_invalid,
                   fmt::format("the database has a schema step {} '{}' that no release of vodlift made", number,
                               history.text("name"))};
    }
    applied = static_cast<std::size_t>(number);
  }
  if (auto outcome = outcome_of(connection); !outcome) return outcome.error();
  return applied;
}

}  // namespace

std::int64_t readable_by(const Migration& step) {
  constexpr std::string_view kMark = "-- readable by step ";
  std::int64_t known = step.number;
  const std::string_view sql = step.sql.substr(std::min(step.sql.find_first_not_of('\n'), step.sql.size()));
  if (sql.starts_with(kMark)) std::from_chars(sql.data() + kMark.size(), sql.data() + sql.size(), known);
  return known;
}

Result<> check_readable(PgConnection& connection, std::int64_t known) {
  auto row = connection.run(
      "SELECT max(number) AS number, max(readable_by) AS needed FROM migrations WHERE number > $1", known);
  if (!row.next() || row.is_null("needed") || row.integer("needed") <= known) return {};
  return Error{Errc::config_invalid,
               fmt::format("the database was changed by a newer vodlift (schema step {}, this one knows {}): start "
                           "the newer version, or restore the backup made before the upgrade; this one changed nothing",
                           row.integer("number"), known)};
}

Result<> migrate(PgConnection& connection, std::span<const Migration> steps) {
  if (auto made = make_history(connection); !made) {
    connection.roll_back();
    return made;
  }
  for (;;) {
    begin_alone(connection);
    const auto readable = check_readable(connection, std::ssize(steps));
    const auto applied = readable ? check_history(connection, steps) : Result<std::size_t>(readable.error());
    if (!applied || *applied == steps.size()) {
      connection.roll_back();
      return applied ? Result<>() : applied.error();
    }
    const Migration& next = steps[*applied];
    connection.execute(std::string(next.sql), kStepPatience);
    connection.run("INSERT INTO migrations (number, name, readable_by) VALUES ($1, $2, $3)", next.number, next.name,
                   readable_by(next));
    if (auto done = end(connection); !done) {
      connection.roll_back();
      return with_context(fmt::format("cannot bring the schema to step {}", next.name), done.error());
    }
  }
}

}  // namespace vodlift::postgres
