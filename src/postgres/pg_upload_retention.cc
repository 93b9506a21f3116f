#include "postgres/pg_upload_retention.h"

#include <algorithm>
#include <map>
#include <utility>

#include "postgres/pg_upload_rows.h"
#include "postgres/retention_statements.h"

namespace vodlift::postgres {
namespace {

constexpr int kMostEndedLookedAt = 1000;

void remove_belongings(PgConnection& connection, const std::vector<UploadId>& ids) {
  for (const auto statement : {sql::kRemoveUploads, sql::kRemoveRetries, sql::kRemoveAttempts}) {
    connection.run(statement, ids);
  }
  std::vector<std::int64_t> callbacks;
  auto row = connection.run(sql::kRemoveCallbacks, ids);
  while (row.next()) callbacks.push_back(row.integer("id"));
  if (callbacks.empty()) return;
  connection.run(sql::kRemoveCallbackTexts, callbacks);
  connection.run(sql::kRemoveCallbackAttempts, callbacks);
}

}  // namespace

Result<EndedPage> PgUploadRetention::ended(UploadState state, const EndedPlace& after, WallTime until, int limit) {
  return database_.read([&](PgTransaction& transaction) -> Result<EndedPage> {
    EndedPage page;
    std::vector<UploadId> removable;
    auto row = transaction.connection.run(sql::kEnded, to_string(state), to_unix_ms(after.ended), after.id,
                                          to_unix_ms(until), std::clamp(limit, 1, kMostEndedLookedAt));
    while (row.next()) {
      page.last = EndedPlace{from_unix_ms(row.integer("finished_ms")), row.integer("id")};
      if (row.integer("removable") != 0) removable.push_back(page.last->id);
    }
    std::map<UploadId, Upload> by_id;
    for (StoredUpload& stored : load_uploads(transaction.connection, removable)) {
      by_id.emplace(stored.upload.id, std::move(stored.upload));
    }
    for (const UploadId id : removable) {
      if (auto one = by_id.extract(id)) page.removable.push_back(std::move(one.mapped()));
    }
    return page;
  });
}

Result<int> PgUploadRetention::remove(const std::vector<UploadId>& ids) {
  return database_.write([&](PgTransaction& transaction) -> Result<int> {
    PgConnection& connection = transaction.connection;
    connection.run(sql::kLockCallbacksOf, ids);
    std::vector<UploadId> gone;
    std::map<std::pair<AccountId, UploadState>, std::int64_t> ends;
    auto row = connection.run(sql::kRemoveEnded, ids);
    while (row.next()) {
      const auto state = upload_state_from(row.text("state"));
      if (!state) continue;
      gone.push_back(row.integer("id"));
      ++ends[{row.integer("account"), *state}];
      transaction.counts.remove(row.integer("account"), *state, row.integer("size"));
      transaction.changed_upload(gone.back());
    }
    if (gone.empty()) return 0;
    remove_belongings(connection, gone);
    for (const auto& [place, count] : ends) {
      connection.run(sql::kForgetEnds, place.first, to_string(place.second), count);
    }
    return static_cast<int>(gone.size());
  });
}

}  // namespace vodlift::postgres
