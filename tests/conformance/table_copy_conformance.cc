// Copies of one store into one of the other kind: every table and column of both schemas is in them, and every value.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/temporary_folder_test.h"
#include "core/stored_tables.h"
#include "postgres/pg_database.h"
#include "postgres/pg_tables.h"
#include "postgres/pg_upload_rows.h"
#include "postgres/started_server_test.h"
#include "store/sqlite_database.h"
#include "store/sqlite_tables.h"

namespace vodlift::conformance {
namespace {

using Names = std::set<std::string>;

// What of PostgreSQL's tables stands in which table of the copies, and what is left out because the store makes it
// itself.
const std::map<std::string, std::string> kPartsInPostgres = {{"open_uploads", "uploads"},
                                                             {"ended_uploads", "uploads"},
                                                             {"retries", "uploads"},
                                                             {"callback_texts", "callbacks"},
                                                             {"upload_count_changes", "upload_counts"}};
const Names kOfOneStore = {"migrations", "nodes",         "node_storages",  "bandwidth_shares",
                           "commits",    "upload_blocks", "sqlite_sequence"};
const std::map<std::string, Names> kLeftOut = {
    {"uploads",
     {"lease_until_ms", "owner", "owner_term", "large", "ready", "target", "storage", "wants_callback", "upload_id"}},
    {"callbacks", {"lease_until_ms", "owner", "owner_term", "callback_id"}},
    {"upload_counts", {"id"}}};

class TableCopy : public testing::Test {
 protected:
  static std::unique_ptr<store::SqliteDatabase> open_sqlite(const std::filesystem::path& path, const Clock& clock) {
    store::SqliteOptions options;
    options.path = path;
    return store::SqliteDatabase::open(options, clock).value();
  }

  static std::unique_ptr<postgres::PgDatabase> open_postgres() {
    postgres::PgOptions options;
    options.url = postgres::StartedServer::shared().url_of(postgres::StartedServer::shared().make_database());
    options.accept_unsafe = true;
    return postgres::PgDatabase::open(options).value();
  }

  // Runs statements; they must succeed.
  static void run(store::SqliteDatabase& database, const std::string& sql) {
    database
        .write([&](store::SqliteConnection& connection) -> Result<> {
          connection.execute(sql);
          return {};
        })
        .value();
  }
  static void run(postgres::PgDatabase& database, const std::string& sql) {
    database
        .write([&](postgres::PgTransaction& transaction) -> Result<> {
          transaction.connection.execute(sql);
          return {};
        })
        .value();
  }

  // The column `name` of all rows.
  static Names ask(store::SqliteDatabase& database, const std::string& sql) {
    return database
        .read([&](store::SqliteConnection& connection) -> Result<Names> {
          Names names;
          auto row = connection.prepare(sql);
          while (row.step()) names.insert(row.text("name"));
          return names;
        })
        .value();
  }
  static Names ask(postgres::PgDatabase& database, const std::string& sql) {
    return database
        .read([&](postgres::PgTransaction& transaction) -> Result<Names> {
          Names names;
          auto row = transaction.connection.run(sql);
          while (row.next()) names.insert(row.text("name"));
          return names;
        })
        .value();
  }

  static Result<std::vector<TableSum>> copy(StoredTables& from, StoredTables& to) {
    return copy_tables(from, to, [](std::string_view, std::string_view, std::int64_t) {});
  }

  static std::map<std::string, std::string> sums_of(const std::vector<TableSum>& sums) {
    std::map<std::string, std::string> texts;
    for (const TableSum& sum : sums) texts[sum.table] = fmt::format("{} {}", sum.rows, sum.sha256);
    return texts;
  }

  static Names listed() {
    Names names;
    for (const StoredTable& table : kStoredTables) {
      if (table.name != "last_ids") names.emplace(table.name);
    }
    return names;
  }

  static const StoredTable& table_named(std::string_view name) {
    return *std::ranges::find(kStoredTables, name, &StoredTable::name);
  }

  SystemClock clock_;
  const TemporaryFolder folder_;
  const std::unique_ptr<store::SqliteDatabase> sqlite_ = open_sqlite(folder_.path() / "one.db", clock_);
  const std::unique_ptr<postgres::PgDatabase> postgres_ = open_postgres();
  store::SqliteTables in_sqlite_{*sqlite_};
  postgres::PgTables in_postgres_{*postgres_};
};

TEST_F(TableCopy, NamesEveryTableAndColumnOfSqlite) {
  Names tables = ask(*sqlite_, "SELECT name FROM sqlite_schema WHERE type = 'table'");
  for (const std::string& name : kOfOneStore) tables.erase(name);
  EXPECT_EQ(tables, listed());
  for (const std::string& table : tables) {
    Names columns = ask(*sqlite_, fmt::format("SELECT name FROM pragma_table_xinfo('{}')", table));
    if (kLeftOut.contains(table)) {
      for (const std::string& name : kLeftOut.at(table)) columns.erase(name);
    }
    const auto copied = in_sqlite_.columns(table_named(table)).value();
    EXPECT_EQ(Names(copied.begin(), copied.end()), columns) << table;
  }
}

TEST_F(TableCopy, NamesEveryTableAndColumnOfPostgres) {
  std::map<std::string, Names> columns;
  for (const std::string& table : ask(*postgres_,
                                      "SELECT relname::text AS name FROM pg_class WHERE relkind IN ('r', 'p') AND NOT "
                                      "relispartition AND relnamespace = 'vodlift'::regnamespace")) {
    if (kOfOneStore.contains(table)) continue;
    const auto part = kPartsInPostgres.find(table);
    columns[part == kPartsInPostgres.end() ? table : part->second].merge(
        ask(*postgres_, fmt::format("SELECT attname::text AS name FROM pg_attribute WHERE attnum > 0 AND NOT "
                                    "attisdropped AND attrelid = 'vodlift.{}'::regclass",
                                    table)));
  }
  Names tables;
  for (auto& [table, names] : columns) {
    tables.insert(table);
    if (kLeftOut.contains(table)) {
      // Of a part, the column that refers to the whole is left out; the whole has its own.
      for (const std::string& name : kLeftOut.at(table)) {
        if (table != "callbacks" || name != "upload_id") names.erase(name);
      }
    }
    const auto copied = in_postgres_.columns(table_named(table)).value();
    EXPECT_EQ(Names(copied.begin(), copied.end()), names) << table;
  }
  EXPECT_EQ(tables, listed());
}

TEST_F(TableCopy, KnowsEveryLastId) {
  Names of_sqlite = ask(*sqlite_, "SELECT name FROM sqlite_schema WHERE sql LIKE '%AUTOINCREMENT%'");
  of_sqlite.erase("nodes");
  run(*postgres_, "SELECT setval(seqrelid::regclass, 7) FROM pg_sequence");
  Names of_postgres;
  for (const StoredRow& row : in_postgres_.read(table_named("last_ids"), {}, 100).value()) {
    of_postgres.insert(row.at(0).value());
    EXPECT_EQ(row.at(1), "7");
  }
  EXPECT_EQ(of_postgres, of_sqlite);
  const Names others = {"nodes_id_seq", "upload_count_changes_id_seq"};
  EXPECT_EQ(ask(*postgres_, "SELECT sequencename::text AS name FROM pg_sequences").size(),
            of_sqlite.size() + others.size());
}

// Values that are odd in one of the two: bytes that are no text, empty ones, quotes, numbers at their ends.
constexpr const char* kOddRows = R"sql(
  INSERT INTO accounts (cdn, user, webhook_secret, previous_secret, previous_until_ms, https_only, created_ms, removing_ms)
    VALUES (9223372036854775807, 'a"b', x'00ff27', x'', 5, 1, -1, 3), (1, 'Zoë, {x}', x'5c', NULL, NULL, 0, 0, NULL);
  INSERT INTO api_keys (cdn, api_key, secret, path_prefix, created_ms) VALUES (1, 'k', x'00', CAST(x'ff5c00' AS TEXT), 1);
  INSERT INTO buckets (cdn, bucket, endpoint, region, access_key, secret_key, path_style, acl_policy, sse, sse_bucket_key,
                       created_ms)
    VALUES (1, CAST(x'ff' AS TEXT), 'e', '', '', x'', 1, 'fail', 'kms', 1, 1), (1, 'b', 'e', '', '', x'', 0, 'private', 's3', 0, 1);
  INSERT INTO former_accounts VALUES (3, 'gone', 1);
  INSERT INTO bandwidth_limits VALUES ('all', 0, '', '1MB', '[]', 'UTC'), ('bucket', 1, 'b', '1MB', '["a"]', 'UTC');
  INSERT INTO people (name, role, cdn, created_ms) VALUES ('otto', 'customer', 1, 1);
  INSERT INTO setup_links VALUES (0, zeroblob(32), 1);
  INSERT INTO sessions VALUES (randomblob(32), 1, 1, 1);
  INSERT INTO access_tokens (hash, person, label, role, created_ms) VALUES (randomblob(32), 1, 'l', 'admin', 1);
  INSERT INTO uploads (id, account, key_id, state, priority, path, destination_path, bucket, acl, metadata, callback, token,
                       size, waiting_on, next_attempt_ms, delayed, fence, attempts, bytes_sent, crashes, crashes_alone,
                       suspect, interrupted, unanswered_ms, sent_size, sent_crc32c, only_look, error_code, error_message,
                       error_retryable, error_detail, created_ms, started_ms, attempt_started_ms, attempt_first_byte)
    VALUES (10, 1, 0, 'queued', 9, CAST(x'ff00' AS TEXT), CAST(x'fe22' AS TEXT), 'b', 'private', '{}', 'http://c', 't',
            9223372036854775807, NULL, 77, 1, 5, 2, 3, 2, 1, 1, 1, 4, 5, 4294967295, 1, 'network', 'm', 1, '', 1, 2, 3, 4),
           (11, 1, 1, 'paused', 0, 'p/jb/f', CAST(x'fe22' AS TEXT), 'b', 'public-read', '{"a":"\u0000"}', '', 't', 0, 10, 78, 0,
            0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, 0, NULL, NULL, NULL, '', 1, NULL, NULL, 0);
  INSERT INTO uploads (id, account, key_id, state, priority, path, destination_path, bucket, acl, metadata, callback, token,
                       size, next_attempt_ms, fence, attempts, bytes_sent, acl_applied, etag, checksum, version_id,
                       error_code, error_message, error_retryable, error_detail, retried_as, created_ms, started_ms,
                       finished_ms)
    VALUES (4, 1, 1, 'completed', 5, 'p', 'd', 'b', 'private', '{}', 'c', 't', 5, 99, 1, 1, 5, 'private', '"e"', 'c', 'v',
            NULL, NULL, NULL, 'left over', NULL, 1, 2, 3),
           (5, 1, 1, 'failed', 5, 'p', 'd', 'b', 'private', '{}', '', 't', 5, 99, 1, 1, 2, NULL, '', '', '', 'io_error',
            'm', 0, 'for the operator', 10, 1, 2, 3),
           (6, 2, 1, 'cancelled', 5, 'p', 'd', 'b', 'private', '{}', '', 't', 5, 99, 0, 0, 0, NULL, '', '', '', NULL, NULL,
            NULL, '', NULL, 1, NULL, 3);
  INSERT INTO upload_counts VALUES (1, 'queued', 1, 9223372036854775807), (1, 'uploading', 0, 0);
  INSERT INTO upload_attempts VALUES (5, 1, 1, 2, 'failed', 'io_error', 'm', 0, 'd', 1, 2, 0, 2, 1);
  INSERT INTO multiparts VALUES (10, 'id', 5, 'crc32c', 'private', -1, 2, 3, -4, 5);
  INSERT INTO parts VALUES (10, 1, 5, '"e"', 4294967295, x'', NULL), (10, 2, 5, '', 0, zeroblob(16), 9);
  INSERT INTO multipart_ledger (id, upload_id, account, endpoint, bucket, object_key, first_ms, last_ms)
    VALUES (3, 10, 1, '', 'b', CAST(x'fe22' AS TEXT), 1, 1), (90, 10, 1, '', 'b', 'k', 1, 1);
  DELETE FROM multipart_ledger WHERE id = 90;  -- its id is not given again
  INSERT INTO callbacks (upload_id, account, receiver, webhook_id, url, body, next_attempt_ms, created_ms, delayed, own_sums)
    VALUES (4, 1, 'c:80', 'w', 'u', CAST(x'00' AS TEXT), 1, 1, 1, 1);
  INSERT INTO callback_attempts VALUES (1, 1, 1, 1, 500, 'no');
  UPDATE callback_receivers SET delivered = 8;
  UPDATE counters SET value = 12 WHERE name = 'accounts';
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
    INSERT INTO signed_requests SELECT i / 7, i % 3, randomblob(32), i FROM n;
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
    INSERT INTO statistics_errors SELECT -1 + i / 1000, 60, i, 'network', 1, 0 FROM n;
  INSERT INTO statistics VALUES (0, 60, 1, 2, 3, 4, 5, 6, 7);
  INSERT INTO statistics_buckets VALUES (0, -1, '', 1, 1, 1), (0, 1, CAST(x'ff' AS TEXT), 1, 1, 1);
  INSERT INTO statistics_rings VALUES (1, 1);
  INSERT INTO statistics_ends VALUES (1, 'failed', -3);
  INSERT INTO seal_canary VALUES (1, x'01ff')
)sql";

TEST_F(TableCopy, EveryValueComesBack) {
  run(*sqlite_, kOddRows);
  const auto there = copy(in_sqlite_, in_postgres_);
  ASSERT_TRUE(there) << there.error().message;
  for (const TableSum& sum : *there) EXPECT_GT(sum.rows, 0) << sum.table << " is not tried";
  ASSERT_TRUE(in_postgres_.end_copy());
  EXPECT_EQ(in_postgres_.copied_from().value(), std::nullopt);

  // What PostgreSQL has besides: the chains' hash, storages, and who wants a callback.
  const auto target = postgres::target_of(1, "b", "\xfe\x22");
  EXPECT_EQ(ask(*postgres_, "SELECT target::text AS name FROM open_uploads"), Names{std::to_string(target)});
  EXPECT_EQ(ask(*postgres_, "SELECT convert_from(storage, 'UTF8') AS name FROM open_uploads WHERE id = 11"),
            Names{"p"});
  EXPECT_EQ(ask(*postgres_, "SELECT id::text AS name FROM open_uploads WHERE wants_callback AND large"), Names{"10"});
  EXPECT_EQ(ask(*postgres_, "SELECT last_value::text AS name FROM multipart_ledger_id_seq"), Names{"90"});
}

TEST_F(TableCopy, BothWaysHaveTheSameSums) {
  run(*sqlite_, kOddRows);
  const auto there = copy(in_sqlite_, in_postgres_).value();
  const auto other = open_sqlite(folder_.path() / "other.db", clock_);
  store::SqliteTables in_other(*other);
  const auto back = copy(in_postgres_, in_other);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(sums_of(*back), sums_of(there));
  run(*other,
      "INSERT INTO multipart_ledger (upload_id, account, endpoint, bucket, object_key, first_ms, last_ms) VALUES "
      "(10, 1, '', 'b', 'k', 1, 1)");
  EXPECT_EQ(ask(*other, "SELECT max(id) AS name FROM multipart_ledger"), Names{"91"}) << "no id is given again";
  EXPECT_EQ(in_other.copied_from().value(), in_postgres_.number().value());
}

TEST_F(TableCopy, GoesOnBehindTheLastRow) {
  run(*sqlite_, kOddRows);
  ASSERT_TRUE(in_postgres_.begin_copy(in_sqlite_.number().value()));
  const StoredTable& table = table_named("statistics_errors");
  ASSERT_TRUE(in_postgres_.write(table, in_sqlite_.read(table, {}, 700).value()));
  ASSERT_TRUE(in_postgres_.write(table_named("last_ids"), {{"uploads", "5"}})) << "was raised since";
  const auto sums = copy(in_sqlite_, in_postgres_);
  ASSERT_TRUE(sums) << sums.error().message;
  EXPECT_EQ(sums_of(*sums).at("statistics_errors").substr(0, 5), "2500 ");
}

TEST_F(TableCopy, ARowThatDiffersIsFound) {
  run(*sqlite_, kOddRows);
  ASSERT_TRUE(copy(in_sqlite_, in_postgres_));
  for (const char* change : {"UPDATE statistics_errors SET retried = 1 WHERE begins_s = 2000",
                             "DELETE FROM callback_attempts", "INSERT INTO statistics_rings VALUES (5, 1)",
                             "UPDATE upload_counts SET bytes = bytes - 1 WHERE state = 'queued'",
                             "UPDATE seal_canary SET sealed = sealed || '\\x00'", "DELETE FROM retries"}) {
    const auto other = open_postgres();
    postgres::PgTables in_other(*other);
    ASSERT_TRUE(copy(in_sqlite_, in_other));
    run(*other, change);
    const auto sums = copy(in_sqlite_, in_other);
    if (std::string_view(change).starts_with("DELETE FROM callback_attempts")) {
      EXPECT_TRUE(sums) << "the last rows of a table are copied again";
      continue;
    }
    ASSERT_FALSE(sums) << change;
    EXPECT_EQ(sums.error().code, Errc::store_corrupt);
  }
}

TEST_F(TableCopy, TakesANewStoreOrItsOwnCopy) {
  run(*sqlite_, kOddRows);
  ASSERT_TRUE(in_postgres_.begin_copy(in_sqlite_.number().value() + 1));
  EXPECT_EQ(copy(in_sqlite_, in_postgres_).error().code, Errc::wrong_state) << "a copy of another store";
  ASSERT_TRUE(in_postgres_.end_copy());
  run(*postgres_, "INSERT INTO statistics_rings VALUES (1, 1)");
  const auto full = copy(in_sqlite_, in_postgres_);
  EXPECT_EQ(full.error().code, Errc::wrong_state);
  EXPECT_NE(full.error().message.find("statistics_rings"), std::string::npos) << full.error().message;
}

TEST_F(TableCopy, MakesRoomForHighIds) {
  run(*sqlite_,
      "INSERT INTO uploads (id, account, key_id, priority, path, destination_path, bucket, acl, metadata, callback, "
      "token, size, next_attempt_ms, created_ms) VALUES (45000000, 1, 0, 5, 'p', 'd', 'b', 'private', '{}', '', "
      "'t', 1, 1, 1)");
  ASSERT_TRUE(copy(in_sqlite_, in_postgres_));
  run(*sqlite_, "UPDATE sqlite_sequence SET seq = 10000000000 WHERE name = 'uploads'");
  const auto refused = copy(in_sqlite_, in_postgres_);
  EXPECT_EQ(refused.error().code, Errc::wrong_state) << "so many partitions";
}

}  // namespace
}  // namespace vodlift::conformance
