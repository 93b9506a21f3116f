#include "postgres/pg_commits.h"

#include <fmt/format.h>

namespace vodlift::postgres {
namespace {

constexpr std::int64_t kMarksKept = 1000;  // of a lane, at most twice as many

}  // namespace

std::string mark_statement(std::int64_t lane, std::int64_t number) {
  std::string sql = fmt::format("INSERT INTO commits (lane, number) VALUES ({}, {})", lane, number);
  if (number % kMarksKept == 0) {
    sql += fmt::format("; DELETE FROM commits WHERE lane = {} AND number BETWEEN {} AND {}", lane, number - kMarksKept,
                       number - 1);
  }
  return sql;
}

std::optional<bool> look_up_mark(PgConnection& connection, std::int64_t lane, std::int64_t number) {
  connection.execute("BEGIN");
  const auto written = connection.run(
      "INSERT INTO commits (lane, number) VALUES ($1, $2) ON CONFLICT (lane, number) DO NOTHING", lane, number);
  const bool committed = written.changes() == 0;
  // The own mark makes this transaction write something in any case.
  if (connection.commit(mark_statement(connection.lane(), connection.next_mark())) == Committed::yes) return committed;
  return std::nullopt;
}

}  // namespace vodlift::postgres
