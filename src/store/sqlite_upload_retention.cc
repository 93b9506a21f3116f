#include "store/sqlite_upload_retention.h"

#include <algorithm>
#include <utility>

#include "store/retention_statements.h"
#include "store/sqlite_upload_rows.h"

namespace vodlift::store {
namespace {

constexpr int kMostEndedLookedAt = 1000;

}  // namespace

Result<EndedPage> SqliteUploadRetention::ended(UploadState state, const EndedPlace& after, WallTime until, int limit) {
  return database_.read([&](SqliteConnection& connection) -> Result<EndedPage> {
    EndedPage page;
    std::vector<UploadId> removable;
    {
      auto row = connection.prepare(sql::kEnded);
      row.bind(to_string(state), to_unix_ms(after.ended), after.id, to_unix_ms(until),
               std::clamp(limit, 1, kMostEndedLookedAt));
      while (row.step()) {
        page.last = EndedPlace{from_unix_ms(row.integer("finished_ms")), row.integer("id")};
        if (row.integer("removable") != 0) removable.push_back(page.last->id);
      }
    }
    for (const UploadId id : removable) {
      if (auto stored = load_upload(connection, id)) page.removable.push_back(std::move(stored->upload));
    }
    return page;
  });
}

bool SqliteUploadRetention::remove_one(SqliteConnection& connection, UploadId id) {
  AccountId account = 0;
  std::optional<UploadState> state;
  std::int64_t size = 0;
  {
    auto row = connection.prepare(sql::kRemovable);
    row.bind(id);
    if (!row.step()) return false;
    account = row.integer("account");
    state = upload_state_from(row.text("state"));
    size = row.integer("size");
  }
  if (!state) return false;
  connection.prepare(sql::kRemoveCallback).bind(id).run();
  connection.prepare(sql::kRemoveUpload).bind(id).run();
  connection.prepare(sql::kForgetEnd).bind(account, to_string(*state)).run();
  database_.upload_counts().remove(account, *state, size);
  return true;
}

Result<int> SqliteUploadRetention::remove(const std::vector<UploadId>& ids) {
  auto removed = database_.write([&](SqliteConnection& connection) -> Result<std::vector<UploadId>> {
    std::vector<UploadId> gone;
    for (const UploadId id : ids) {
      if (remove_one(connection, id)) gone.push_back(id);
    }
    // At once: statistics that are added later in the same transaction compare these rows with their own.
    database_.upload_counts().save(connection);
    return gone;
  });
  if (!removed) return removed.error();
  std::sort(removed->begin(), removed->end());
  uploads_.forget(*removed);
  return static_cast<int>(removed->size());
}

}  // namespace vodlift::store
