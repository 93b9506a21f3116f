#include "postgres/pg_multipart_ledger.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/stored_rows.h"
#include "core/stored_upload.h"
#include "postgres/multipart_statements.h"

namespace vodlift::postgres {
namespace {

using std::chrono::milliseconds;

constexpr int kMaxAbandonedRows = 1000;

std::vector<AbandonedMultipart> abandoned_in(PgResult row, WallTime now) {
  std::vector<AbandonedMultipart> found;
  while (row.next()) found.push_back(read_abandoned(row, now));
  return found;
}

KnownMultiparts known_at(PgConnection& connection, const MultipartPlace& place) {
  KnownMultiparts known;
  auto row = connection.run(sql::kKnownAt, place.endpoint, Bytes{place.bucket}, Bytes{place.key});
  while (row.next()) {
    if (std::string id = row.text("multipart_id"); !id.empty()) {
      known.ids.push_back(std::move(id));
    } else if (row.integer("in_use") != 0) {
      known.create_under_way = true;
    }
  }
  return known;
}

}  // namespace

Result<std::vector<AbandonedMultipart>> PgMultipartLedger::due(int limit) {
  return database_.read([&](PgTransaction& transaction) -> Result<std::vector<AbandonedMultipart>> {
    return abandoned_in(transaction.connection.run(sql::kSelectDueAbandoned, to_unix_ms(transaction.now()),
                                                   std::clamp(limit, 0, kMaxAbandonedRows)),
                        transaction.now());
  });
}

Result<std::vector<AbandonedMultipart>> PgMultipartLedger::abandoned(std::optional<AccountId> account, int limit) {
  return database_.read([&](PgTransaction& transaction) -> Result<std::vector<AbandonedMultipart>> {
    return abandoned_in(
        transaction.connection.run(sql::kSelectAbandoned, account, std::clamp(limit, 0, kMaxAbandonedRows)),
        transaction.now());
  });
}

Result<LedgerCounts> PgMultipartLedger::counts() {
  return database_.read([](PgTransaction& transaction) -> Result<LedgerCounts> {
    auto row = transaction.connection.run(sql::kCountLedger, kMostLedgerCounted);
    if (!row.next()) return LedgerCounts();
    const std::int64_t abandoned = row.integer("abandoned");
    return LedgerCounts{std::min<std::int64_t>(row.integer("entries") - abandoned, kMostLedgerCounted), abandoned};
  });
}

Result<std::optional<milliseconds>> PgMultipartLedger::next_due() {
  return database_.read([&](PgTransaction& transaction) -> Result<std::optional<milliseconds>> {
    auto row = transaction.connection.run(sql::kNextAbandonedDue);
    if (!row.next()) return std::optional<milliseconds>();
    return std::optional(std::max(from_unix_ms(row.integer("next_attempt_ms")) - transaction.now(), milliseconds(0)));
  });
}

Result<KnownMultiparts> PgMultipartLedger::known(const MultipartPlace& place) {
  return database_.read(
      [&](PgTransaction& transaction) -> Result<KnownMultiparts> { return known_at(transaction.connection, place); });
}

Result<bool> PgMultipartLedger::adopt(std::int64_t id, const std::vector<std::string>& multipart_ids) {
  return database_.write([&](PgTransaction& transaction) -> Result<bool> {
    PgConnection& connection = transaction.connection;
    auto place = connection.run(sql::kSelectPlace, id);
    if (!place.next()) {
      return Error{Errc::internal, fmt::format("there is no entry {} in the ledger of multipart uploads", id)};
    }
    const KnownMultiparts known =
        known_at(connection, {place.text("endpoint"), place.text("bucket"), place.text("object_key")});
    if (known.create_under_way) return false;
    std::vector<Bytes> unknown;
    for (const std::string& multipart_id : multipart_ids) {
      if (std::ranges::find(known.ids, multipart_id) == known.ids.end()) unknown.push_back({multipart_id});
    }
    connection.run(sql::kAdopt, id, unknown, to_unix_ms(transaction.now()));
    connection.run(sql::kDeleteAbandoned, id);
    return true;
  });
}

Result<std::int64_t> PgMultipartLedger::intend_probe(const AbandonedMultipart& entry) {
  return database_.write([&](PgTransaction& transaction) -> Result<std::int64_t> {
    auto row = transaction.connection.run(sql::kIntendProbe, entry.id, to_unix_ms(transaction.now()));
    return row.next() ? row.integer("id") : 0;
  });
}

Result<> PgMultipartLedger::postpone(std::int64_t id, milliseconds delay, const std::optional<std::string>& error) {
  return database_.write([&](PgTransaction& transaction) -> Result<> {
    std::optional<std::string> kept;
    if (error) kept = kept_message(*error);
    transaction.connection.run(sql::kPostpone, id, to_unix_ms(transaction.now() + delay), error ? 1 : 0, kept);
    return {};
  });
}

Result<> PgMultipartLedger::postpone_bucket(const AbandonedMultipart& entry, milliseconds delay) {
  return database_.write([&](PgTransaction& transaction) -> Result<> {
    transaction.connection.run(sql::kPostponeBucket, entry.account, entry.place.endpoint, Bytes{entry.place.bucket},
                               to_unix_ms(transaction.now() + delay));
    return {};
  });
}

Result<> PgMultipartLedger::remove(std::int64_t id) {
  return database_.write([&](PgTransaction& transaction) -> Result<> {
    transaction.connection.run(sql::kDeleteAbandoned, id);
    return {};
  });
}

}  // namespace vodlift::postgres
