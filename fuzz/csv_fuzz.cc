// A file to import, as CSV or JSON. A table that is read can be written, and is then read alike.
#include <string>

#include "cli/csv.h"
#include "cli/import_file.h"
#include "require.h"

using vodlift::fuzz::require;

namespace {

std::string written(const std::vector<vodlift::cli::CsvRow>& rows) {
  std::string text;
  for (const auto& row : rows) {
    for (const std::string& cell : row.cells) {
      text += &cell == row.cells.data() ? "\"" : ",\"";
      for (const char c : cell) text += c == '"' ? "\"\"" : std::string(1, c);
      text += '"';
    }
    text += "\r\n";
  }
  return text;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = vodlift::fuzz::text_of(data, size);
  (void)vodlift::cli::parse_import(text);
  const auto rows = vodlift::cli::parse_csv(text);
  if (!rows) return 0;
  const auto again = vodlift::cli::parse_csv(written(*rows));
  require(again.has_value() && again->size() == rows->size(), "as many rows");
  for (std::size_t at = 0; at < rows->size(); ++at) {
    require((*again)[at].cells == (*rows)[at].cells, "the same cells");
    require((*rows)[at].cells.size() == rows->front().cells.size(), "as many cells as heads");
  }
  return 0;
}
