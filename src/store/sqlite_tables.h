// The tables of an SQLite store, for copying it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/stored_tables.h"
#include "core/table_statements.h"
#include "store/sqlite_database.h"

namespace vodlift::store {

class SqliteTables final : public StoredTables {
 public:
  // `database` must outlive it.
  explicit SqliteTables(SqliteDatabase& database) : database_(database) {}

  Result<std::vector<std::string>> columns(const StoredTable& table) override;
  Result<std::vector<StoredRow>> read(const StoredTable& table, const StoredRow& after, std::size_t limit) override;
  Result<StoredRow> last_key(const StoredTable& table) override;
  Result<> write(const StoredTable& table, const std::vector<StoredRow>& rows) override;
  Result<> make_room(std::int64_t /*last_upload*/) override { return {}; }
  Result<std::int64_t> number() override;
  Result<std::optional<std::int64_t>> copied_from() override;
  Result<> begin_copy(std::int64_t source) override;
  Result<> end_copy() override;

 private:
  Result<const TableShape*> shape_of(const StoredTable& table);
  Result<std::vector<StoredRow>> rows_of(const std::string& sql, const StoredRow& values);

  SqliteDatabase& database_;
  std::map<std::string_view, TableShape> shapes_;  // those that were asked for
};

}  // namespace vodlift::store
