#include "core/table_statements.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <utility>

namespace vodlift {
namespace {

// Qualified: PostgreSQL would take a name in ORDER BY for the text that is answered under this name.
std::string column(const TableShape::Column& one) { return fmt::format("r.\"{}\"", one.name); }

template <class Text>
std::string list(std::span<const TableShape::Column> columns, Text text) {
  std::vector<std::string> texts;
  for (const TableShape::Column& one : columns) texts.push_back(text(one, texts.size() + 1));
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string read_list(std::span<const TableShape::Column> columns) {
  return list(columns, [](const auto& one, std::size_t) { return fmt::format(fmt::runtime(one.read), column(one)); });
}

std::string given_values(std::span<const TableShape::Column> columns, std::string_view mark) {
  return list(columns, [&](const auto& one, std::size_t number) {
    return fmt::format(fmt::runtime(one.given), fmt::format("{}{}", mark, number));
  });
}

std::span<const TableShape::Column> key_of(const StoredTable& table, const TableShape& shape) {
  return std::span(shape.columns).first(table.key_columns());
}

}  // namespace

void sort_columns(const StoredTable& table, TableShape& shape) {
  const auto place = [&](const TableShape::Column& one) {
    return std::pair(std::ranges::find(table.key, one.name) - table.key.begin(), std::string_view(one.name));
  };
  std::ranges::sort(shape.columns, {}, place);
}

std::vector<std::string> column_names(const TableShape& shape) {
  std::vector<std::string> names;
  for (const TableShape::Column& one : shape.columns) names.push_back(one.name);
  return names;
}

std::string name_list(const TableShape& shape) {
  return list(shape.columns, [](const auto& one, std::size_t) { return fmt::format("\"{}\"", one.name); });
}

std::string given_list(const TableShape& shape, std::string_view mark) { return given_values(shape.columns, mark); }

std::string select_rows(const StoredTable& table, const TableShape& shape, std::string_view mark, bool behind,
                        std::size_t limit) {
  const auto key = key_of(table, shape);
  const std::string order = list(key, [](const auto& one, std::size_t) { return column(one); });
  std::string sql = fmt::format("SELECT {} FROM {} AS r WHERE {}", read_list(shape.columns), shape.from, table.rows);
  if (behind) sql += fmt::format(" AND ({}) > ({})", order, given_values(key, mark));
  return sql + fmt::format(" ORDER BY {} LIMIT {}", order, limit);
}

std::string select_last_key(const StoredTable& table, const TableShape& shape) {
  const auto key = key_of(table, shape);
  const std::string order = list(key, [](const auto& one, std::size_t) { return column(one) + " DESC"; });
  return fmt::format("SELECT {} FROM {} AS r WHERE {} ORDER BY {} LIMIT 1", read_list(key), shape.from, table.rows,
                     order);
}

}  // namespace vodlift
