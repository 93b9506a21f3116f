// What a file says that is to be imported.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace vodlift::cli {

// One row for the REST API: its fields, and `kind`.
struct ImportRow {
  std::string place;  // "line 7", or "keys[6]" in JSON
  boost::json::object fields;
};

struct ImportFile {
  std::vector<ImportRow> rows;      // accounts first, then buckets, then keys
  std::vector<std::string> faults;  // each with its place; not empty: the rows are not all
};

// Reads CSV, whose first line names the columns, or JSON (a text that begins with { behind white space). Values get the
// types that the API has for their names; empty cells are not given. Faults: an unknown kind or column, a value of
// another type, the same account, key or bucket twice. Errors: invalid_value (no CSV, no JSON). Nothing shows a value.
Result<ImportFile> parse_import(std::string_view text);

// Whether a row has a secret.
bool has_secret(const ImportRow& row);

}  // namespace vodlift::cli
