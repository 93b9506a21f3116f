// The tables of a store in PostgreSQL, for copying it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "core/stored_tables.h"
#include "core/table_statements.h"
#include "postgres/pg_connection.h"
#include "postgres/pg_database.h"

namespace vodlift::postgres {

class PgTables final : public StoredTables {
 public:
  // `database` must outlive it.
  explicit PgTables(PgDatabase& database) : database_(database) {}

  Result<std::vector<std::string>> columns(const StoredTable& table) override;
  Result<std::vector<StoredRow>> read(const StoredTable& table, const StoredRow& after, std::size_t limit) override;
  Result<StoredRow> last_key(const StoredTable& table) override;
  Result<> write(const StoredTable& table, const std::vector<StoredRow>& rows) override;
  Result<> make_room(std::int64_t last_upload) override;
  Result<std::int64_t> number() override;
  Result<std::optional<std::int64_t>> copied_from() override;
  Result<> begin_copy(std::int64_t source) override;
  Result<> end_copy() override;

 private:
  struct Known {
    TableShape shape;
    std::vector<bool> is_bytes;  // of the columns
  };

  Result<const Known*> known(const StoredTable& table);
  Result<std::vector<StoredRow>> rows_of(const std::string& sql, const Known& table, const StoredRow& values);

  PgDatabase& database_;
  std::map<std::string_view, Known> known_;  // those that were asked for
};

// Keeps the database for one process: while this lives, no node starts. One thread.
class PgAlone {
 public:
  // Errors: locked (a node runs, or one that stopped without a word may still; or another process does the same),
  // store_failed.
  static Result<std::unique_ptr<PgAlone>> take(const Secret& url);

  // Whether it was kept all the time, and no node has joined. Errors: as take().
  Result<> check();

 private:
  explicit PgAlone(std::unique_ptr<PgConnection> connection) : connection_(std::move(connection)) {}

  const std::unique_ptr<PgConnection> connection_;
};

}  // namespace vodlift::postgres
