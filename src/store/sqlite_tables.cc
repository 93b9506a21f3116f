#include "store/sqlite_tables.h"

#include <fmt/format.h>

#include <utility>

namespace vodlift::store {
namespace {

// All but leases, and what says nothing any more once an upload has ended.
constexpr std::string_view kUploads = R"sql((
  SELECT id, account, key_id, state, priority, path, destination_path, bucket, acl, metadata, callback, options, token,
         size, waiting_on, fence, attempts, bytes_sent, attempt_started_ms, attempt_first_byte, acl_applied, etag,
         checksum, version_id, error_code, error_message, error_retryable, retried_as, created_ms, started_ms,
         finished_ms, iif(error_code IS NULL, '', error_detail) AS error_detail,
         iif(finished_ms IS NULL, next_attempt_ms, 0) AS next_attempt_ms,
         iif(finished_ms IS NULL, delayed, 0) AS delayed, iif(finished_ms IS NULL, wanted, '') AS wanted,
         iif(finished_ms IS NULL, interrupted, 0) AS interrupted, iif(finished_ms IS NULL, crashes, 0) AS crashes,
         iif(finished_ms IS NULL, crashes_alone, 0) AS crashes_alone, iif(finished_ms IS NULL, suspect, 0) AS suspect,
         iif(finished_ms IS NULL, unanswered_ms, NULL) AS unanswered_ms,
         iif(finished_ms IS NULL, sent_size, NULL) AS sent_size,
         iif(finished_ms IS NULL, sent_crc32c, NULL) AS sent_crc32c, iif(finished_ms IS NULL, only_look, 0) AS only_look
  FROM uploads))sql";
constexpr std::string_view kCallbacks = R"sql((
  SELECT id, upload_id, account, receiver, webhook_id, url, body, state, attempts, attempts_before, fence,
         next_attempt_ms, delayed, created_ms, own_sums
  FROM callbacks))sql";
constexpr std::string_view kLastIds =
    "(SELECT name, seq AS value FROM sqlite_sequence WHERE name <> 'nodes' AND seq > 0)";

std::string_view rows_of_table(std::string_view table) {
  if (table == "uploads") return kUploads;
  if (table == "callbacks") return kCallbacks;
  if (table == "last_ids") return kLastIds;
  return table;
}

// SQLite's table of last ids has no key that an INSERT could meet.
std::vector<std::string> writes_of(const StoredTable& table, const TableShape& shape) {
  if (table.name == "last_ids") {
    return {"UPDATE sqlite_sequence SET seq = CAST(?2 AS INTEGER) WHERE name = ?1",
            "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, CAST(?2 AS INTEGER) "
            "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)"};
  }
  return {fmt::format("INSERT INTO {} ({}) VALUES ({})", table.name, name_list(shape), given_list(shape, "?"))};
}

}  // namespace

Result<const TableShape*> SqliteTables::shape_of(const StoredTable& table) {
  if (const auto known = shapes_.find(table.name); known != shapes_.end()) return &known->second;
  auto shape = database_.read([&](SqliteConnection& connection) -> Result<TableShape> {
    TableShape read{std::string(rows_of_table(table.name)), {}};
    for (const auto& [name, type] : connection.prepare(fmt::format("SELECT * FROM {}", read.from)).columns()) {
      TableShape::Column column{.name = name};
      if (type == "INTEGER" || type == "BLOB") column.given = fmt::format("CAST({{}} AS {})", type);
      read.columns.push_back(std::move(column));
    }
    return read;
  });
  if (!shape) return shape.error();
  sort_columns(table, *shape);
  return &shapes_.emplace(table.name, std::move(*shape)).first->second;
}

Result<std::vector<std::string>> SqliteTables::columns(const StoredTable& table) {
  const auto shape = shape_of(table);
  if (!shape) return shape.error();
  return column_names(**shape);
}

Result<std::vector<StoredRow>> SqliteTables::rows_of(const std::string& sql, const StoredRow& values) {
  return database_.read([&](SqliteConnection& connection) -> Result<std::vector<StoredRow>> {
    std::vector<StoredRow> rows;
    auto row = connection.prepare(sql);
    row.bind_all(values);
    while (row.step()) rows.push_back(row.values());
    return rows;
  });
}

Result<std::vector<StoredRow>> SqliteTables::read(const StoredTable& table, const StoredRow& after, std::size_t limit) {
  const auto shape = shape_of(table);
  if (!shape) return shape.error();
  return rows_of(select_rows(table, **shape, "?", !after.empty(), limit), after);
}

Result<StoredRow> SqliteTables::last_key(const StoredTable& table) {
  const auto shape = shape_of(table);
  if (!shape) return shape.error();
  auto rows = rows_of(select_last_key(table, **shape), {});
  if (!rows) return rows.error();
  return rows->empty() ? StoredRow() : std::move(rows->front());
}

Result<> SqliteTables::write(const StoredTable& table, const std::vector<StoredRow>& rows) {
  const auto shape = shape_of(table);
  if (!shape) return shape.error();
  return database_.write([&](SqliteConnection& connection) -> Result<> {
    for (const std::string& sql : writes_of(table, **shape)) {
      for (const StoredRow& row : rows) connection.prepare(sql).bind_all(row).run();
    }
    return {};
  });
}

Result<std::int64_t> SqliteTables::number() {
  return database_.read([](SqliteConnection& connection) -> Result<std::int64_t> {
    auto row = connection.prepare("SELECT value FROM counters WHERE name = 'database'");
    return row.step() ? row.integer("value") : 0;
  });
}

Result<std::optional<std::int64_t>> SqliteTables::copied_from() {
  return database_.read([](SqliteConnection& connection) -> Result<std::optional<std::int64_t>> {
    auto row = connection.prepare("SELECT value FROM counters WHERE name = 'copied_from'");
    return row.step() ? std::optional(row.integer("value")) : std::nullopt;
  });
}

Result<> SqliteTables::begin_copy(std::int64_t source) {
  return database_.write([&](SqliteConnection& connection) -> Result<> {
    for (const StoredTable& table : kStoredTables) {
      if (table.first != StoredTable::First::replaced) continue;
      connection.prepare(fmt::format("DELETE FROM {} WHERE {}", table.name, table.rows)).run();
    }
    connection.prepare("INSERT INTO counters (name, value) VALUES ('copied_from', ?1)").bind(source).run();
    return {};
  });
}

Result<> SqliteTables::end_copy() {
  return database_.write([](SqliteConnection& connection) -> Result<> {
    connection.prepare("DELETE FROM counters WHERE name = 'copied_from'").run();
    return {};
  });
}

}  // namespace vodlift::store
