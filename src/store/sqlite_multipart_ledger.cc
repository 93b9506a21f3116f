#include "store/sqlite_multipart_ledger.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/stored_rows.h"
#include "store/sqlite_statements.h"
#include "store/sqlite_upload_rows.h"

namespace vodlift::store {
namespace {

using std::chrono::milliseconds;

constexpr int kMaxRows = 1000;

std::vector<AbandonedMultipart> all_abandoned(SqliteStatement& row, WallTime now) {
  std::vector<AbandonedMultipart> found;
  while (row.step()) found.push_back(read_abandoned(row, now));
  return found;
}

KnownMultiparts known_at(SqliteConnection& connection, const MultipartPlace& place) {
  KnownMultiparts known;
  auto row = connection.prepare(sql::kKnownAt);
  row.bind(place.endpoint, place.bucket, place.key);
  while (row.step()) {
    if (std::string id = row.text("multipart_id"); !id.empty()) {
      known.ids.push_back(std::move(id));
    } else if (row.integer("in_use") != 0) {
      known.create_under_way = true;
    }
  }
  return known;
}

std::optional<MultipartPlace> place_of(SqliteConnection& connection, std::int64_t id) {
  auto row = connection.prepare(sql::kSelectPlace);
  row.bind(id);
  if (!row.step()) return std::nullopt;
  return MultipartPlace{row.text("endpoint"), row.text("bucket"), row.text("object_key")};
}

}  // namespace

Result<std::vector<AbandonedMultipart>> SqliteMultipartLedger::due(int limit) {
  return database_.read([&](SqliteConnection& connection) -> Result<std::vector<AbandonedMultipart>> {
    const WallTime now = clock_.now();
    auto row = connection.prepare(sql::kSelectDueAbandoned);
    row.bind(to_unix_ms(now), std::clamp(limit, 0, kMaxRows));
    return all_abandoned(row, now);
  });
}

Result<std::vector<AbandonedMultipart>> SqliteMultipartLedger::abandoned(std::optional<AccountId> account, int limit) {
  return database_.read([&](SqliteConnection& connection) -> Result<std::vector<AbandonedMultipart>> {
    auto row = connection.prepare(sql::kSelectAbandoned);
    row.bind(account, std::clamp(limit, 0, kMaxRows));
    return all_abandoned(row, clock_.now());
  });
}

Result<LedgerCounts> SqliteMultipartLedger::counts() {
  return database_.read([](SqliteConnection& connection) -> Result<LedgerCounts> {
    auto row = connection.prepare(sql::kCountLedger);
    row.bind(kMostLedgerCounted);
    if (!row.step()) return LedgerCounts();
    const std::int64_t abandoned = row.integer("abandoned");
    return LedgerCounts{std::min<std::int64_t>(row.integer("entries") - abandoned, kMostLedgerCounted), abandoned};
  });
}

Result<std::optional<milliseconds>> SqliteMultipartLedger::next_due() {
  return database_.read([&](SqliteConnection& connection) -> Result<std::optional<milliseconds>> {
    return time_until(connection.prepare(sql::kNextAbandonedDue), "next_attempt_ms", clock_.now());
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
    connection.prepare(sql::kDeleteAbandoned).bind(id).run();
    return true;
  });
}

Result<std::int64_t> SqliteMultipartLedger::intend_probe(const AbandonedMultipart& entry) {
  return database_.write([&](SqliteConnection& connection) -> Result<std::int64_t> {
    connection.prepare(sql::kIntendProbe).bind(entry.id, to_unix_ms(clock_.now())).run();
    return connection.last_insert_id();
  });
}

Result<> SqliteMultipartLedger::postpone(std::int64_t id, milliseconds delay, const std::optional<std::string>& error) {
  return database_.write([&](SqliteConnection& connection) -> Result<> {
    std::optional<std::string> kept;
    if (error) kept = kept_message(*error);
    connection.prepare(sql::kPostpone).bind(id, to_unix_ms(clock_.now() + delay), error ? 1 : 0, kept).run();
    return {};
  });
}

Result<> SqliteMultipartLedger::postpone_bucket(const AbandonedMultipart& entry, milliseconds delay) {
  return database_.write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare(sql::kPostponeBucket)
        .bind(entry.account, entry.place.endpoint, entry.place.bucket, to_unix_ms(clock_.now() + delay))
        .run();
    return {};
  });
}

Result<> SqliteMultipartLedger::remove(std::int64_t id) {
  return database_.write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare(sql::kDeleteAbandoned).bind(id).run();
    return {};
  });
}

}  // namespace vodlift::store
