#include "store/sqlite_attempt_history.h"

#include <algorithm>

#include "core/stored_rows.h"
#include "store/sqlite_statements.h"
#include "store/sqlite_upload_rows.h"

namespace vodlift::store {
namespace {

struct KeptAttempt {
  std::int64_t fence = 0;  // of its first run
  UploadAttempt attempt;
};

// The last `most` entries, the last first.
std::vector<KeptAttempt> last_entries(SqliteConnection& connection, UploadId id, int most) {
  std::vector<KeptAttempt> entries;
  auto row = connection.prepare(sql::kAttemptsOf);
  row.bind(id, most);
  while (row.step()) entries.push_back({row.integer("fence"), read_attempt(row)});
  return entries;
}

// The run that is under way under this lease; nothing: the lease is lost.
std::optional<UploadAttempt> run_of(SqliteConnection& connection, const Lease& lease) {
  auto row = connection.prepare(sql::kRunUnderWay);
  row.bind(lease.id, lease.fence);
  if (!row.step()) return std::nullopt;
  UploadAttempt run;
  run.number = static_cast<int>(row.integer("attempts"));
  run.started = from_unix_ms(row.integer("attempt_started_ms"));
  run.first_byte = row.integer("attempt_first_byte");
  run.last_byte = row.integer("bytes_sent");
  run.node = row.integer("owner");
  return run;
}

void store_entry(SqliteConnection& connection, UploadId id, const KeptAttempt& entry) {
  const UploadAttempt& attempt = entry.attempt;
  const ErrorColumns error(attempt.error);
  connection.prepare(sql::kPutAttempt)
      .bind(id, entry.fence, attempt.number, attempt.times, kAttemptEnds.word(attempt.how), error.code, error.message,
            error.retryable, error.detail, to_unix_ms(attempt.started), to_unix_ms(attempt.ended), attempt.first_byte,
            attempt.last_byte, attempt.node)
      .run();
}

}  // namespace

void record_attempt(SqliteConnection& connection, const Lease& lease, AttemptEnd how,
                    const std::optional<UploadError>& error, std::optional<std::int64_t> size, WallTime now) {
  auto run = run_of(connection, lease);
  if (!run) return;
  run->how = how;
  run->error = error;
  run->ended = now;
  run->last_byte = size.value_or(run->last_byte);
  const auto before = last_entries(connection, lease.id, 1);
  const auto last = before.empty() ? std::nullopt : std::optional(before.front().attempt);
  switch (keep_attempt(last, *run)) {
    case KeepAttempt::nothing:
      return;
    case KeepAttempt::merged:
      return store_entry(connection, lease.id, {before.front().fence, join(*last, *run)});
    case KeepAttempt::apart:
      store_entry(connection, lease.id, {lease.fence, *run});
      if (lease.fence > kKeptAttempts) connection.prepare(sql::kForgetAttempts).bind(lease.id, kKeptAttempts).run();
  }
}

Result<std::vector<UploadAttempt>> SqliteAttemptHistory::attempts_of(UploadId id) {
  return database_.read([&](SqliteConnection& connection) -> Result<std::vector<UploadAttempt>> {
    std::vector<UploadAttempt> attempts;
    for (KeptAttempt& one : last_entries(connection, id, kKeptAttempts)) attempts.push_back(std::move(one.attempt));
    std::reverse(attempts.begin(), attempts.end());
    return attempts;
  });
}

Result<ConfirmedParts> SqliteAttemptHistory::parts_of(UploadId id) {
  return database_.read([&](SqliteConnection& connection) -> Result<ConfirmedParts> {
    auto open = connection.prepare(sql::kOpenPartSize);
    open.bind(id);
    if (!open.step()) return ConfirmedParts();
    ConfirmedParts parts{.part_size = open.integer("part_size")};
    auto row = connection.prepare(sql::kConfirmedParts);
    row.bind(id);
    while (row.step()) add_part(parts, static_cast<int>(row.integer("number")), row.optional_time("confirmed_ms"));
    return parts;
  });
}

}  // namespace vodlift::store
