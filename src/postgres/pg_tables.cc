#include "postgres/pg_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "core/nodes.h"
#include "core/upload_request.h"
#include "postgres/pg_migrations.h"
#include "postgres/pg_upload_rows.h"
#include "postgres/upload_statements.h"

namespace vodlift::postgres {
namespace {

// So many partitions of uploads are made at most.
constexpr std::int64_t kMostBlocks = 1000;

// Which rows a table of the list stands for, and how rows `given` come into them, where that is not the table of its
// name.
struct Relation {
  std::string_view table;
  std::string_view rows;
  std::string_view insert;
};

constexpr std::array kRelations = {
    Relation{"uploads", R"sql((
  SELECT u.id, u.account, u.key_id, u.path, u.destination_path, u.bucket, u.acl, u.metadata, u.callback, u.options,
         u.token, u.created_ms, coalesce(o.state, e.state) AS state, coalesce(o.priority, e.priority) AS priority,
         coalesce(o.size, e.size) AS size, coalesce(o.fence, e.fence) AS fence,
         coalesce(o.attempts, e.attempts) AS attempts, coalesce(o.bytes_sent, e.bytes_sent) AS bytes_sent,
         coalesce(o.started_ms, e.started_ms) AS started_ms,
         coalesce(o.attempt_started_ms, e.attempt_started_ms) AS attempt_started_ms,
         coalesce(o.attempt_first_byte, e.attempt_first_byte) AS attempt_first_byte,
         coalesce(o.error_code, e.error_code) AS error_code,
         coalesce(o.error_message, e.error_message) AS error_message,
         coalesce(o.error_retryable, e.error_retryable) AS error_retryable,
         coalesce(o.error_detail, e.error_detail, '') AS error_detail,
         coalesce(o.next_attempt_ms, 0) AS next_attempt_ms, coalesce(o.delayed, false) AS delayed,
         coalesce(o.wanted, '') AS wanted, coalesce(o.interrupted, false) AS interrupted,
         coalesce(o.crashes, 0) AS crashes, coalesce(o.crashes_alone, 0) AS crashes_alone,
         coalesce(o.suspect, false) AS suspect, coalesce(o.only_look, false) AS only_look, o.waiting_on,
         o.unanswered_ms, o.sent_size, o.sent_crc32c, e.finished_ms, e.acl_applied, coalesce(e.etag, '') AS etag,
         coalesce(e.checksum, '') AS checksum, coalesce(e.version_id, '') AS version_id, r.retried_as
  FROM uploads u LEFT JOIN open_uploads o ON o.id = u.id LEFT JOIN ended_uploads e ON e.id = u.id
  LEFT JOIN retries r ON r.upload_id = u.id))sql",
             R"sql(,
  kept AS (
    INSERT INTO uploads (id, account, key_id, path, destination_path, bucket, acl, metadata, callback, options, token,
                         created_ms)
    SELECT id, account, key_id, path, destination_path, bucket, acl, metadata, callback, options, token, created_ms
    FROM given),
  opened AS (
    INSERT INTO open_uploads (id, account, key_id, target, size, created_ms, next_attempt_ms, waiting_on, fence,
                              bytes_sent, started_ms, attempt_started_ms, attempt_first_byte, unanswered_ms, sent_size,
                              sent_crc32c, attempts, crashes, crashes_alone, priority, delayed, interrupted, suspect,
                              only_look, wants_callback, error_retryable, state, wanted, bucket, storage,
                              error_code, error_message, error_detail)
    SELECT id, account, key_id, target, size, created_ms, next_attempt_ms, waiting_on, fence, bytes_sent, started_ms,
           attempt_started_ms, attempt_first_byte, unanswered_ms, sent_size, sent_crc32c, attempts, crashes,
           crashes_alone, priority, delayed, interrupted, suspect, only_look, callback <> '', error_retryable, state,
           wanted, bucket, storage, error_code, error_message, CASE WHEN error_code IS NOT NULL THEN error_detail END
    FROM given WHERE finished_ms IS NULL),
  ended AS (
    INSERT INTO ended_uploads (id, account, size, bytes_sent, fence, started_ms, finished_ms, attempt_started_ms,
                               attempt_first_byte, attempts, priority, error_retryable, state, acl_applied, etag,
                               checksum, version_id, error_code, error_message, error_detail)
    SELECT id, account, size, bytes_sent, fence, started_ms, finished_ms, attempt_started_ms, attempt_first_byte,
           attempts, priority, error_retryable, state, acl_applied, etag, checksum, version_id, error_code,
           error_message, CASE WHEN error_code IS NOT NULL THEN error_detail END
    FROM given WHERE finished_ms IS NOT NULL)
  INSERT INTO retries (upload_id, retried_as) SELECT id, retried_as FROM given WHERE retried_as IS NOT NULL)sql"},
    Relation{"callbacks", R"sql((
  SELECT c.id, c.upload_id, c.account, c.receiver, t.webhook_id, t.url, t.body, c.state, c.attempts, c.attempts_before,
         c.fence, c.next_attempt_ms, c.delayed, c.created_ms, c.own_sums
  FROM callbacks c LEFT JOIN callback_texts t ON t.callback_id = c.id))sql",
             R"sql(,
  kept AS (
    INSERT INTO callbacks (id, upload_id, account, receiver, state, attempts, attempts_before, fence, next_attempt_ms,
                           delayed, created_ms, own_sums)
    SELECT id, upload_id, account, receiver, state, attempts, attempts_before, fence, next_attempt_ms, delayed,
           created_ms, own_sums
    FROM given)
  INSERT INTO callback_texts (callback_id, webhook_id, url, body) SELECT id, webhook_id, url, body FROM given)sql"},
    Relation{"upload_counts", R"sql((
  SELECT account, state, sum(uploads)::bigint AS uploads, sum(bytes) AS bytes
  FROM (SELECT account, state, uploads, bytes FROM upload_counts
        UNION ALL SELECT account, state, uploads, bytes FROM upload_count_changes) AS c
  GROUP BY account, state))sql",
             ""},
    Relation{"last_ids", R"sql((
  SELECT name COLLATE "C" AS name, value FROM (
    SELECT 'access_tokens' AS name, last_value AS value, is_called FROM access_tokens_id_seq
    UNION ALL SELECT 'api_keys', last_value, is_called FROM api_keys_id_seq
    UNION ALL SELECT 'callbacks', last_value, is_called FROM callback_ids
    UNION ALL SELECT 'multipart_ledger', last_value, is_called FROM multipart_ledger_id_seq
    UNION ALL SELECT 'people', last_value, is_called FROM people_id_seq
    UNION ALL SELECT 'uploads', last_value, is_called FROM upload_ids) AS s
  WHERE is_called))sql",
             R"sql(
  SELECT setval(CASE name WHEN 'callbacks' THEN 'callback_ids' WHEN 'uploads' THEN 'upload_ids'
                          ELSE name || '_id_seq' END::regclass, value) FROM given)sql"},
};

const Relation* relation_of(const StoredTable& table) {
  const auto* const found = std::ranges::find(kRelations, table.name, &Relation::table);
  return found == kRelations.end() ? nullptr : found;
}

// What open_uploads has besides, made of other columns: the hash by which chains of uploads to one object go, and the
// storage.
constexpr std::array kMadeOfUploads = {"target", "storage"};

void add_made(PgValues& values, const TableShape& shape, const std::vector<StoredRow>& rows) {
  const auto at = [&](std::string_view name) {
    return static_cast<std::size_t>(std::ranges::find(shape.columns, name, &TableShape::Column::name) -
                                    shape.columns.begin());
  };
  const std::size_t account = at("account"), bucket = at("bucket"), destination = at("destination_path"),
                    path = at("path");
  std::vector<std::int64_t> targets;
  std::vector<Bytes> storages;
  for (const StoredRow& row : rows) {
    targets.push_back(
        target_of(std::stoll(row.at(account).value()), row.at(bucket).value(), row.at(destination).value()));
    storages.push_back({storage_of(row.at(path).value())});
  }
  values.add(targets);
  values.add(storages);
}

// $1, $2, …: an array for each column, and for each that is made.
std::string insert_statement(const StoredTable& table, const TableShape& shape) {
  std::string names = name_list(shape);
  std::string values = given_list(shape, "c");
  std::size_t arrays = shape.columns.size();
  if (table.name == "uploads") {
    for (const char* name : kMadeOfUploads) {
      names += fmt::format(", {}", name);
      values += fmt::format(", c{}", ++arrays);
    }
  }
  std::string parameters, numbered;
  for (std::size_t number = 1; number <= arrays; ++number) {
    parameters += fmt::format("{}${}", number == 1 ? "" : ", ", number);
    numbered += fmt::format("{}c{}", number == 1 ? "" : ", ", number);
  }
  const std::string given =
      fmt::format("WITH given ({}) AS (SELECT {} FROM unnest({}) AS g ({}))", names, values, parameters, numbered);
  const Relation* relation = relation_of(table);
  if (relation != nullptr && !relation->insert.empty()) return given + std::string(relation->insert);
  return given +
         fmt::format(" INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM given", table.name, names, names);
}

// A column of all rows.
void add_column(PgValues& values, const std::vector<StoredRow>& rows, std::size_t at, bool is_bytes) {
  if (!is_bytes) {
    std::vector<StoredValue> texts;
    texts.reserve(rows.size());
    for (const StoredRow& row : rows) texts.push_back(row.at(at));
    return values.add(texts);
  }
  std::vector<std::optional<Bytes>> bytes;
  bytes.reserve(rows.size());
  for (const StoredRow& row : rows) bytes.push_back(row.at(at) ? std::optional(Bytes{*row.at(at)}) : std::nullopt);
  values.add(bytes);
}

}  // namespace

Result<const PgTables::Known*> PgTables::known(const StoredTable& table) {
  if (const auto found = known_.find(table.name); found != known_.end()) return &found->second;
  const Relation* relation = relation_of(table);
  TableShape shape{std::string(relation == nullptr ? table.name : relation->rows), {}};
  std::map<std::string, unsigned> types;
  auto read = database_.read([&](PgTransaction& transaction) -> Result<> {
    const std::string sql = fmt::format("SELECT * FROM {} AS r LIMIT 0", shape.from);
    for (const auto& [name, type] : transaction.connection.run(sql).columns()) types[name] = type;
    return {};
  });
  if (!read) return read.error();
  for (const auto& [name, type] : types) {
    TableShape::Column column{name, "{}::text", "{}"};
    if (type == kByteaType) {
      column.read = "{}";
    } else if (type == kBoolType) {
      column.read = "{}::int::text";
      column.given = "{}::boolean";
    } else if (type != kTextType) {
      column.given = "{}::bigint";
    }
    shape.columns.push_back(std::move(column));
  }
  sort_columns(table, shape);
  Known made{std::move(shape), {}};
  for (const TableShape::Column& column : made.shape.columns) {
    made.is_bytes.push_back(types[column.name] == kByteaType);
  }
  return &known_.emplace(table.name, std::move(made)).first->second;
}

Result<std::vector<std::string>> PgTables::columns(const StoredTable& table) {
  const auto found = known(table);
  if (!found) return found.error();
  return column_names((*found)->shape);
}

Result<std::vector<StoredRow>> PgTables::rows_of(const std::string& sql, const Known& table, const StoredRow& values) {
  return database_.read([&](PgTransaction& transaction) -> Result<std::vector<StoredRow>> {
    std::vector<PgCall> calls{PgCall(sql)};
    for (std::size_t at = 0; at < values.size(); ++at) {
      const std::string& value = values[at].value();
      table.is_bytes.at(at) ? calls.front().values.add(Bytes{value}) : calls.front().values.add(value);
    }
    std::vector<StoredRow> rows;
    auto results = transaction.connection.run_together(calls);
    while (results.front().next()) rows.push_back(results.front().values());
    return rows;
  });
}

Result<std::vector<StoredRow>> PgTables::read(const StoredTable& table, const StoredRow& after, std::size_t limit) {
  const auto found = known(table);
  if (!found) return found.error();
  return rows_of(select_rows(table, (*found)->shape, "$", !after.empty(), limit), **found, after);
}

Result<StoredRow> PgTables::last_key(const StoredTable& table) {
  const auto found = known(table);
  if (!found) return found.error();
  auto rows = rows_of(select_last_key(table, (*found)->shape), **found, {});
  if (!rows) return rows.error();
  return rows->empty() ? StoredRow() : std::move(rows->front());
}

Result<> PgTables::write(const StoredTable& table, const std::vector<StoredRow>& rows) {
  const auto found = known(table);
  if (!found) return found.error();
  const std::string sql = insert_statement(table, (*found)->shape);
  std::vector<PgCall> calls{PgCall(sql)};
  for (std::size_t at = 0; at < (*found)->is_bytes.size(); ++at) {
    add_column(calls.front().values, rows, at, (*found)->is_bytes[at]);
  }
  if (table.name == "uploads") add_made(calls.front().values, (*found)->shape, rows);
  return database_.write([&](PgTransaction& transaction) -> Result<> {
    (void)transaction.connection.run_together(calls);
    return {};
  });
}

Result<> PgTables::make_room(std::int64_t last_upload) {
  if (last_upload >= kMostBlocks * kBlockIds) {
    return Error{Errc::wrong_state,
                 fmt::format("the ids of uploads are as high as {}; in PostgreSQL they begin below {}", last_upload,
                             kMostBlocks * kBlockIds)};
  }
  for (bool enough = false; !enough;) {
    const auto made = database_.write([&](PgTransaction& transaction) -> Result<bool> {
      auto row = transaction.connection.run("SELECT max(past) AS past FROM upload_blocks");
      if (row.next() && row.integer("past") > last_upload) return true;
      transaction.connection.run(sql::kMakeBlock, kBlockIds);
      return false;
    });
    if (!made) return made.error();
    enough = *made;
  }
  return {};
}

// When its schema was made, to the microsecond: that stays when a copy of it is restored elsewhere.
Result<std::int64_t> PgTables::number() {
  return database_.read([](PgTransaction& transaction) -> Result<std::int64_t> {
    auto row = transaction.connection.run(
        "SELECT (extract(epoch FROM applied) * 1000000)::bigint AS number FROM migrations WHERE number = 1");
    return row.next() ? row.integer("number") : 0;
  });
}

Result<std::optional<std::int64_t>> PgTables::copied_from() {
  return database_.read([](PgTransaction& transaction) -> Result<std::optional<std::int64_t>> {
    auto row = transaction.connection.run("SELECT value FROM counters WHERE name = 'copied_from'");
    return row.next() ? std::optional(row.integer("value")) : std::nullopt;
  });
}

Result<> PgTables::begin_copy(std::int64_t source) {
  return database_.write([&](PgTransaction& transaction) -> Result<> {
    for (const StoredTable& table : kStoredTables) {
      if (table.first != StoredTable::First::replaced) continue;
      transaction.connection.execute(fmt::format("DELETE FROM {} WHERE {}", table.name, table.rows));
    }
    transaction.connection.run("INSERT INTO counters (name, value) VALUES ('copied_from', $1)", source);
    return {};
  });
}

Result<> PgTables::end_copy() {
  return database_.write([](PgTransaction& transaction) -> Result<> {
    transaction.connection.run("DELETE FROM counters WHERE name = 'copied_from'");
    return {};
  });
}

Result<std::unique_ptr<PgAlone>> PgAlone::take(const Secret& url) {
  auto connection = PgConnection::open(url);
  if (!connection) return connection.error();
  const auto locked = (*connection)->execute(fmt::format("SELECT pg_try_advisory_lock({})", kMigrationLock));
  if (auto failure = (*connection)->take_failure()) return failure->error;
  if (locked != "t") return Error{Errc::locked, "another process starts on the database, or copies it"};
  std::unique_ptr<PgAlone> alone(new PgAlone(std::move(*connection)));
  if (auto checked = alone->check(); !checked) return checked.error();
  return alone;
}

// The lock goes with the connection.
Result<> PgAlone::check() {
  auto row = connection_->run(R"sql(
    SELECT name, (greatest(beat_ms + $1, leases_until_ms) - extract(epoch FROM clock_timestamp()) * 1000)::bigint AS rest
    FROM nodes WHERE left_ms IS NULL AND greatest(beat_ms + $1, leases_until_ms) >
                                         extract(epoch FROM clock_timestamp()) * 1000
    ORDER BY id LIMIT 1)sql",
                              std::int64_t{std::chrono::milliseconds(kNodeLostAfter).count()});
  const bool is_used = row.next();
  if (auto failure = connection_->take_failure()) return failure->error;
  if (!is_used) return {};
  return Error{Errc::locked, fmt::format("the node {} runs on the database: stop it. If it crashed, try again in {} s",
                                         row.text("name"), row.integer("rest") / 1000 + 1)};
}

}  // namespace vodlift::postgres
