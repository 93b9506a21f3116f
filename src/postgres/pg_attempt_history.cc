#include "postgres/pg_attempt_history.h"

#include <algorithm>
#include <map>

#include "core/stored_rows.h"
#include "core/stored_upload.h"
#include "postgres/multipart_statements.h"
#include "postgres/queue_statements.h"

namespace vodlift::postgres {
namespace {

void store_entry(PgConnection& connection, UploadId id, std::int64_t fence, const UploadAttempt& attempt) {
  const ErrorColumns error(attempt.error);
  connection.run(sql::kPutAttempt, id, fence, attempt.number, attempt.times, kAttemptEnds.word(attempt.how), error.code,
                 error.message, error.retryable, error.detail, to_unix_ms(attempt.started), to_unix_ms(attempt.ended),
                 attempt.first_byte, attempt.last_byte, attempt.node);
}

struct LastEntry {
  std::int64_t fence = 0;  // of its first run
  UploadAttempt attempt;
};

}  // namespace

void record_attempts(PgTransaction& transaction, std::vector<EndedRun> runs) {
  if (runs.empty()) return;
  PgConnection& connection = transaction.connection;
  std::vector<UploadId> ids;
  ids.reserve(runs.size());
  for (const EndedRun& run : runs) ids.push_back(run.id);
  std::map<UploadId, LastEntry> last;
  auto row = connection.run(sql::kLastAttempts, ids);
  while (row.next()) last[row.integer("upload_id")] = {row.integer("fence"), read_attempt(row)};
  for (EndedRun& run : runs) {
    run.run.ended = transaction.now();
    const auto before = last.find(run.id);
    switch (keep_attempt(before == last.end() ? std::nullopt : std::optional(before->second.attempt), run.run)) {
      case KeepAttempt::nothing:
        break;
      case KeepAttempt::merged:
        store_entry(connection, run.id, before->second.fence, join(before->second.attempt, run.run));
        break;
      case KeepAttempt::apart:
        store_entry(connection, run.id, run.fence, run.run);
        if (run.fence > kKeptAttempts) connection.run(sql::kForgetAttempts, run.id, kKeptAttempts);
    }
  }
}

Result<std::vector<UploadAttempt>> PgAttemptHistory::attempts_of(UploadId id) {
  return database_.read([&](PgTransaction& transaction) -> Result<std::vector<UploadAttempt>> {
    std::vector<UploadAttempt> attempts;
    auto row = transaction.connection.run(sql::kAttemptsOf, id, kKeptAttempts);
    while (row.next()) attempts.push_back(read_attempt(row));
    std::reverse(attempts.begin(), attempts.end());
    return attempts;
  });
}

Result<ConfirmedParts> PgAttemptHistory::parts_of(UploadId id) {
  return database_.read([&](PgTransaction& transaction) -> Result<ConfirmedParts> {
    auto open = transaction.connection.run(sql::kOpenPartSize, id);
    if (!open.next()) return ConfirmedParts();
    ConfirmedParts parts{.part_size = open.integer("part_size")};
    auto row = transaction.connection.run(sql::kConfirmedParts, id);
    while (row.next()) add_part(parts, static_cast<int>(row.integer("number")), row.optional_time("confirmed_ms"));
    return parts;
  });
}

}  // namespace vodlift::postgres
