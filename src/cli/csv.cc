#include "cli/csv.h"

#include <fmt/format.h>

#include <utility>

#include "base/encoding.h"
#include "base/text.h"

namespace vodlift::cli {
namespace {

class CsvReader {
 public:
  CsvReader(std::string_view text, const CsvLimits& limits) : text_(text), limits_(limits) {}

  Result<std::vector<CsvRow>> read() {
    while (at_ < text_.size()) {
      if (take_line_end()) continue;
      if (auto row = read_row(); !row) return row.error();
    }
    if (rows_.empty()) return Error{Errc::invalid_value, "the file is empty; its first line names the columns"};
    return std::move(rows_);
  }

 private:
  [[nodiscard]] Error fault(std::string_view what) const {
    return {Errc::invalid_value, fmt::format("line {}: {}", line_, what)};
  }

  [[nodiscard]] bool is_at(char c) const { return at_ < text_.size() && text_[at_] == c; }

  bool take_line_end() {
    const std::size_t length = text_.substr(at_, 2) == "\r\n" ? 2 : is_at('\n') ? 1 : 0;
    at_ += length;
    line_ += length > 0 ? 1 : 0;
    return length > 0;
  }

  Result<> read_row() {
    if (rows_.size() > limits_.rows) return fault(fmt::format("more than {} rows", limits_.rows));
    CsvRow row;
    row.line = line_;
    while (true) {
      auto cell = is_at('"') ? quoted_cell() : plain_cell();
      if (!cell) return cell.error();
      row.cells.push_back(std::move(*cell));
      if (row.cells.size() > limits_.columns) return fault(fmt::format("more than {} columns", limits_.columns));
      if (at_ == text_.size() || take_line_end()) break;
      if (!is_at(',')) return fault("a line ends with LF or CRLF, and a CR stands nowhere else");
      ++at_;
    }
    if (!rows_.empty() && row.cells.size() != rows_.front().cells.size()) {
      return Error{Errc::invalid_value, fmt::format("line {}: {} columns, but the first line has {}", row.line,
                                                    row.cells.size(), rows_.front().cells.size())};
    }
    rows_.push_back(std::move(row));
    return {};
  }

  Result<std::string> plain_cell() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r') {
      if (text_[at_] == '"') return fault("a quote within a cell: put the cell in quotes, and write the quote twice");
      if (static_cast<unsigned char>(text_[at_]) < ' ' && text_[at_] != '\t') return fault("a control character");
      ++at_;
    }
    return checked(std::string(text_.substr(begin, at_ - begin)));
  }

  Result<std::string> quoted_cell() {
    std::string cell;
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\0') return fault("a control character");
      if (c == '"' && text_.substr(at_ + 1, 1) != "\"") {
        ++at_;
        const bool ends = at_ == text_.size() || is_at(',') || is_at('\n') || is_at('\r');
        return ends ? checked(std::move(cell)) : fault("text behind a closing quote");
      }
      if (c == '"') ++at_;
      if (c == '\n') ++line_;
      if (cell.size() > limits_.cell_bytes) break;  // before much is copied
      cell += c;
    }
    return at_ == text_.size() ? fault("a quote is not closed") : checked(std::move(cell));
  }

  [[nodiscard]] Result<std::string> checked(std::string cell) const {
    if (cell.size() > limits_.cell_bytes) return fault(fmt::format("a cell of more than {} bytes", limits_.cell_bytes));
    if (!is_valid_utf8(cell)) return fault("not UTF-8");
    return cell;
  }

  const std::string_view text_;
  const CsvLimits& limits_;
  std::size_t at_ = 0;
  int line_ = 1;
  std::vector<CsvRow> rows_;
};

}  // namespace

Result<std::vector<CsvRow>> parse_csv(std::string_view text, const CsvLimits& limits) {
  return CsvReader(without_byte_order_mark(text), limits).read();
}

}  // namespace vodlift::cli
