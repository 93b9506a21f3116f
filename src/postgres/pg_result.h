// What a statement has answered.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/row.h"

struct pg_result;

namespace vodlift::postgres {

// All rows that a statement answered, looked at one after the other: next() first. Empty after a failure of the
// connection, which keeps the reason. It does not need the connection any more. One thread.
class PgResult final : public Row {
 public:
  // Of the binary format; null: nothing.
  explicit PgResult(pg_result* result) : result_(result) {}
  PgResult(PgResult&& other) noexcept
      : result_(std::move(other.result_)), row_(other.row_), next_column_(other.next_column_) {}
  PgResult& operator=(PgResult&&) = delete;
  ~PgResult() override = default;

  // Goes to the first or the next row; false: there is none.
  bool next();

  // How many rows were changed, or answered.
  [[nodiscard]] std::int64_t changes() const;

  [[nodiscard]] bool is_null(std::string_view column) const override;
  // Of a column of any whole number, or a truth value; another type is a bug: std::logic_error.
  [[nodiscard]] std::int64_t integer(std::string_view column) const override;
  // The bytes of a text or bytea column.
  [[nodiscard]] std::string text(std::string_view column) const override;
  [[nodiscard]] std::string blob(std::string_view column) const override { return text(column); }
  // All columns, which must be of text or bytea. Nothing: NULL.
  [[nodiscard]] std::vector<std::optional<std::string>> values() const;

  // Each column's name and type, by its number in pg_type.
  [[nodiscard]] std::vector<std::pair<std::string, unsigned>> columns() const;

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };

  [[nodiscard]] int index_of(std::string_view column) const;
  [[nodiscard]] std::string text_at(int index) const;

  std::unique_ptr<pg_result, Clear> result_;
  int row_ = -1;
  mutable int next_column_ = 0;  // where the last name was found, plus one: columns are mostly read in their order
};

}  // namespace vodlift::postgres
