// Files of comma-separated values, RFC 4180.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace vodlift::cli {

struct CsvLimits {
  std::size_t rows = 200'000;
  std::size_t columns = 32;
  std::size_t cell_bytes = std::size_t{16} * 1024;
};

struct CsvRow {
  int line = 0;  // where it begins, from 1 on
  std::vector<std::string> cells;
};

// All rows, the one with the heads first; each has as many cells as that one. Lines end with LF or CRLF; empty lines
// are left out, and a byte order mark. Nothing else is forgiven: a quote in a cell without quotes, text behind a
// closing quote, a quote that is not closed, a lone CR, a control character but TAB and those within quotes, no UTF-8.
// Errors: invalid_value; the message names the line, and shows nothing of it.
Result<std::vector<CsvRow>> parse_csv(std::string_view text, const CsvLimits& limits = {});

}  // namespace vodlift::cli
