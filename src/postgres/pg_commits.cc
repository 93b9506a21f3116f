#include "postgres/pg_commits.h"

#include <utility>

namespace vodlift::postgres {
namespace {

constexpr std::int64_t kMarksKept = 1000;  // of a lane, at most twice as many

}  // namespace

void add_mark(std::vector<PgCall>& last, std::int64_t lane, std::int64_t number) {
  last.emplace_back("INSERT INTO commits (lane, number) VALUES ($1, $2)", lane, number);
  if (number % kMarksKept != 0) return;
  last.emplace_back("DELETE FROM commits WHERE lane = $1 AND number BETWEEN $2 AND $3", lane, number - kMarksKept,
                    number - 1);
}

std::optional<bool> look_up_mark(PgConnection& connection, std::int64_t lane, std::int64_t number) {
  connection.execute("BEGIN");
  const auto written = connection.run(
      "INSERT INTO commits (lane, number) VALUES ($1, $2) ON CONFLICT (lane, number) DO NOTHING", lane, number);
  const bool committed = written.changes() == 0;
  // The own mark makes this transaction write something in any case.
  std::vector<PgCall> last;
  add_mark(last, connection.lane(), connection.next_mark());
  if (connection.commit(std::move(last)) == Committed::yes) return committed;
  return std::nullopt;
}

}  // namespace vodlift::postgres
