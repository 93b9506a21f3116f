// Text for people: tables, sizes, durations and times, written and read.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace vodlift::cli {

// Columns as wide as their widest cell, two spaces between them. Cells are made safe for a terminal. A word that says
// how something stands or ended has a color, where standard output shows colors.
class Table {
 public:
  explicit Table(std::vector<std::string> heads) : rows_{std::move(heads)} {}
  // As many cells as there are heads.
  void add(std::vector<std::string> cells);
  // One line for each row, the heads first; `if_empty` where there is no row.
  [[nodiscard]] std::string text(std::string_view if_empty) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

enum class Color { red, green, yellow };

// The text, in that color where the descriptor is a terminal that shows colors and NO_COLOR is not set.
std::string colored(std::string_view text, Color color, int descriptor);

// The columns that a terminal uses for the text: two for wide characters of East Asia, none for combining ones.
std::size_t width_of(std::string_view utf8);

std::string human_bytes(double bytes);              // "85.3 MiB"
std::string human_duration(std::int64_t seconds);   // "0:18", "1:02:03"
std::string human_time(std::int64_t unix_seconds);  // "2026-11-23 22:10:05", local

// Reads "90s", "30m", "24h", "30d" or "0": a whole number and a unit; at most ten years.
std::optional<std::chrono::seconds> parse_duration(std::string_view text);

// The same for --overlap. Errors: invalid_value.
Result<std::chrono::seconds> parse_overlap(std::string_view text);

// A duration after `now`, or a day such as "2027-01-31" (its beginning, UTC), in Unix seconds.
std::optional<std::int64_t> parse_moment(std::string_view text, std::int64_t now);

// A time before now, such as "2h", or the beginning of a day (UTC), in Unix seconds. Errors: invalid_value; it names
// `option`.
Result<std::int64_t> parse_past(std::string_view option, std::string_view text);

// The member of a JSON object as text for a cell: strings as they are, numbers, yes/no; "-" when absent or null.
std::string cell(const boost::json::value& object, std::string_view name);
// The same for a member in Unix seconds, or with a time such as "2026-11-24T02:15:05.042Z".
std::string time_cell(const boost::json::value& object, std::string_view name);

// A member as number or text; 0 or empty when absent or of another kind.
std::int64_t integer_at(const boost::json::value& object, std::string_view name);
std::string text_at(const boost::json::value& object, std::string_view name);

}  // namespace vodlift::cli
