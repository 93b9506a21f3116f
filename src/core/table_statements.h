// The SQL about stored tables that all stores share (core/stored_tables.h).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/stored_tables.h"

namespace vodlift {

// A table as one store has it.
struct TableShape {
  struct Column {
    std::string name;
    std::string read = "{}";   // answers its value as text, or its bytes; {} is the column
    std::string given = "{}";  // the value of a parameter, which is a text; {} is the parameter
  };

  std::string from;  // the table, or a SELECT in parentheses
  std::vector<Column> columns;
};

// The columns of the key first, the others by their names.
void sort_columns(const StoredTable& table, TableShape& shape);
std::vector<std::string> column_names(const TableShape& shape);

// "a", "b"
std::string name_list(const TableShape& shape);
// The values of the parameters `mark`1, `mark`2, …
std::string given_list(const TableShape& shape, std::string_view mark);

// The rows by their key; `behind` the key that the parameters give, if that is wanted.
std::string select_rows(const StoredTable& table, const TableShape& shape, std::string_view mark, bool behind,
                        std::size_t limit);
std::string select_last_key(const StoredTable& table, const TableShape& shape);

}  // namespace vodlift
