#include "store/sqlite_multipart_ledger.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/sqlite_ledger_sql.h"
#include "store/sqlite_upload_queue.h"
#include "store/sqlite_upload_rows.h"

namespace vodlift::store {
namespace {

constexpr int kMaxRows = 1000;
// Creates further apart are looked for by themselves: a search is the safer the shorter the time it is about.
constexpr std::chrono::minutes kOneSearch{10};

Result<> check_held(SqliteConnection& connection, const Lease& lease) {
  auto row = connection.prepare(sql::kIsHeld);
  row.bind(lease.id, lease.fence);
  if (row.step()) return {};
  return lease_lost(lease);
}

LeftMultipart read_left(const SqliteStatement& row) {
  LeftMultipart left;
  left.id = row.integer(0);
  left.upload = row.integer(1);
  left.account = row.integer(2);
  left.place = {row.text(3), row.text(4), row.text(5)};
  left.multipart_id = row.text(6);
  left.creates = static_cast<int>(row.integer(7));
  left.first = from_unix_ms(row.integer(8));
  left.last = from_unix_ms(row.integer(9));
  left.left = from_unix_ms(row.integer(10));
  left.attempts = static_cast<int>(row.integer(11));
  left.next_attempt = from_unix_ms(row.integer(12));
  left.error = row.text(13);
  return left;
}

KnownMultiparts known_at(SqliteConnection& connection, const MultipartPlace& place) {
  KnownMultiparts known;
  auto row = connection.prepare(sql::kKnownAt);
  row.bind(place.endpoint, place.bucket, place.key);
  while (row.step()) {
    if (const std::string id = row.text(0); !id.empty()) {
      known.ids.push_back(id);
    } else if (row.integer(1) != 0) {
      known.create_under_way = true;
    }
  }
  return known;
}

std::optional<MultipartPlace> place_of(SqliteConnection& connection, std::int64_t id) {
  auto row = connection.prepare("SELECT endpoint, bucket, object_key FROM multipart_ledger WHERE id = ?1");
  row.bind(id);
  if (!row.step()) return std::nullopt;
  return MultipartPlace{row.text(0), row.text(1), row.text(2)};
}

}  // namespace

void leave_intent(SqliteConnection& connection, UploadId upload, WallTime now) {
  std::string endpoint;
  std::int64_t intended_ms = 0;
  {
    auto intent = connection.prepare(sql::kSelectIntent);
    intent.bind(upload);
    if (!intent.step()) return;
    endpoint = intent.text(1);
    intended_ms = intent.integer(2);
  }
  std::optional<std::int64_t> search;
  {
    auto earlier = connection.prepare(sql::kSelectSearch);
    const std::int64_t not_before = intended_ms - std::chrono::milliseconds(kOneSearch).count();
    earlier.bind(upload, endpoint, not_before);
    if (earlier.step()) search = earlier.integer(0);
  }
  if (search) {
    connection.prepare(sql::kWidenSearch).bind(*search, intended_ms).run();
    connection.prepare(sql::kDeleteIntent).bind(upload).run();
  } else {
    connection.prepare(sql::kLeaveIntent).bind(upload, to_unix_ms(now)).run();
  }
}

void fulfil_intent(SqliteConnection& connection, UploadId upload, const std::string& multipart_id) {
  connection.prepare(sql::kFulfil).bind(upload, multipart_id).run();
}

void strike_journaled(SqliteConnection& connection, UploadId upload) {
  connection.prepare(sql::kDeleteJournaled).bind(upload).run();
}

void leave_all(SqliteConnection& connection, UploadId upload, WallTime now) {
  leave_intent(connection, upload, now);
  connection.prepare(sql::kLeaveAll).bind(upload, to_unix_ms(now)).run();
}

Result<> SqliteMultipartLedger::intend(const Lease& lease, const MultipartPlace& place) {
  return database_.write([&](SqliteConnection& connection) -> Result<> {
    if (auto ours = check_held(connection, lease); !ours) return ours;
    const WallTime now = clock_.now();
    leave_all(connection, lease.id, now);
    connection.prepare(sql::kIntend).bind(lease.id, place.endpoint, place.bucket, place.key, to_unix_ms(now)).run();
    return {};
  });
}

Result<> SqliteMultipartLedger::withdraw(const Lease& lease) {
  return database_.write([&](SqliteConnection& connection) -> Result<> {
    if (auto ours = check_held(connection, lease); !ours) return ours;
    connection.prepare(sql::kDeleteIntent).bind(lease.id).run();
    return {};
  });
}

Result<> SqliteMultipartLedger::leave(const Lease& lease) {
  return database_.write([&](SqliteConnection& connection) -> Result<> {
    if (auto ours = check_held(connection, lease); !ours) return ours;
    leave_all(connection, lease.id, clock_.now());
    return restart_journal(connection, lease, {});
  });
}

Result<std::vector<LeftMultipart>> SqliteMultipartLedger::due(int limit) {
  return database_.read([&](SqliteConnection& connection) -> Result<std::vector<LeftMultipart>> {
    std::vector<LeftMultipart> found;
    auto row = connection.prepare(sql::kSelectDueLeft);
    row.bind(to_unix_ms(clock_.now()), std::clamp(limit, 0, kMaxRows));
    while (row.step()) found.push_back(read_left(row));
    return found;
  });
}

Result<std::vector<LeftMultipart>> SqliteMultipartLedger::left(std::optional<AccountId> account, int limit) {
  return database_.read([&](SqliteConnection& connection) -> Result<std::vector<LeftMultipart>> {
    std::vector<LeftMultipart> found;
    auto row = connection.prepare(sql::kSelectLeft);
    row.bind(account, std::clamp(limit, 0, kMaxRows));
    while (row.step()) found.push_back(read_left(row));
    return found;
  });
}

Result<std::optional<WallTime>> SqliteMultipartLedger::next_due() {
  return database_.read([&](SqliteConnection& connection) -> Result<std::optional<WallTime>> {
    auto row = connection.prepare(sql::kNextLeftDue);
    if (!row.step()) return std::optional<WallTime>();
    return std::optional<WallTime>(from_unix_ms(row.integer(0)));
  });
}

Result<KnownMultiparts> SqliteMultipartLedger::known(const MultipartPlace& place) {
  return database_.read(
      [&](SqliteConnection& connection) -> Result<KnownMultiparts> { return known_at(connection, place); });
}

Result<bool> SqliteMultipartLedger::adopt(std::int64_t id, const std::vector<std::string>& multipart_ids) {
  return database_.write([&](SqliteConnection& connection) -> Result<bool> {
    const auto place = place_of(connection, id);
    if (!place)
      return Error{Errc::internal, fmt::format("there is no entry {} in the ledger of multipart uploads", id)};
    const KnownMultiparts known = known_at(connection, *place);
    if (known.create_under_way) return false;
    for (const std::string& multipart_id : multipart_ids) {
      if (std::ranges::find(known.ids, multipart_id) != known.ids.end()) continue;
      connection.prepare(sql::kAdopt).bind(id, multipart_id, to_unix_ms(clock_.now())).run();
    }
    connection.prepare(sql::kDeleteLeft).bind(id).run();
    return true;
  });
}

Result<std::int64_t> SqliteMultipartLedger::intend_probe(const LeftMultipart& beside) {
  return database_.write([&](SqliteConnection& connection) -> Result<std::int64_t> {
    connection.prepare(sql::kIntendProbe).bind(beside.id, to_unix_ms(clock_.now())).run();
    return connection.last_insert_id();
  });
}

Result<> SqliteMultipartLedger::postpone(std::int64_t id, WallTime until, const std::optional<std::string>& error) {
  return database_.write([&](SqliteConnection& connection) -> Result<> {
    std::optional<std::string> kept;
    if (error) kept = kept_message(*error);
    connection.prepare(sql::kPostpone).bind(id, to_unix_ms(until), error ? 1 : 0, kept).run();
    return {};
  });
}

Result<> SqliteMultipartLedger::postpone_bucket(const LeftMultipart& entry, WallTime until) {
  return database_.write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare(sql::kPostponeBucket)
        .bind(entry.account, entry.place.endpoint, entry.place.bucket, to_unix_ms(until))
        .run();
    return {};
  });
}

Result<> SqliteMultipartLedger::remove(std::int64_t id) {
  return database_.write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare(sql::kDeleteLeft).bind(id).run();
    return {};
  });
}

}  // namespace vodlift::store
