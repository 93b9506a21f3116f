#include "cli/text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <ctime>

#include "base/encoding.h"

namespace vodlift::cli {
namespace {

constexpr std::size_t kMaxCellBytes = 400;

const boost::json::value* member(const boost::json::value& object, std::string_view name) {
  return object.is_object() ? object.get_object().if_contains(name) : nullptr;
}

constexpr std::chrono::seconds kLongest = std::chrono::years(10);

// Digits only, all of them.
std::optional<std::int64_t> number_of(std::string_view digits) {
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || digits.front() == '-' || failed != std::errc() || end != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return number;
}

std::optional<std::int64_t> seconds_of_unit(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    default:
      return std::nullopt;
  }
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  cells.resize(rows_.front().size());
  for (std::string& text : cells) text = printable(text, kMaxCellBytes);
  rows_.push_back(std::move(cells));
}

std::string Table::text(std::string_view if_empty) const {
  if (rows_.size() == 1) return fmt::format("{}\n", if_empty);
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - width_of(row[i]) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

std::size_t width_of(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string human_bytes(double bytes) {
  constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  // 1023.95 would be rounded to "1024.0".
  while (bytes >= 1023.95 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

std::string human_duration(std::int64_t seconds) {
  seconds = std::max<std::int64_t>(seconds, 0);
  const std::int64_t hours = seconds / 3600;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, seconds / 60 % 60, seconds % 60);
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

std::string human_time(std::int64_t unix_seconds) {
  const std::time_t time = unix_seconds;
  std::tm local{};
  if (::localtime_r(&time, &local) == nullptr) return std::to_string(unix_seconds);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", local);
}

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::seconds::zero();
  if (text.empty()) return std::nullopt;
  const auto unit = seconds_of_unit(text.back());
  const auto number = number_of(text.substr(0, text.size() - 1));
  if (!unit || !number || *number > kLongest.count() / *unit) return std::nullopt;
  return std::chrono::seconds(*number * *unit);
}

std::optional<std::int64_t> parse_moment(std::string_view text, std::int64_t now) {
  if (const auto duration = parse_duration(text)) return now + duration->count();
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = number_of(text.substr(0, 4));
  const auto month = number_of(text.substr(5, 2));
  const auto day = number_of(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return std::chrono::seconds(std::chrono::sys_days(date).time_since_epoch()).count();
}

std::string cell(const boost::json::value& object, std::string_view name) {
  const boost::json::value* value = member(object, name);
  if (value == nullptr || value->is_null()) return "-";
  if (const auto* text = value->if_string()) return text->empty() ? "-" : std::string(*text);
  if (const bool* flag = value->if_bool()) return *flag ? "yes" : "no";
  if (const std::int64_t* number = value->if_int64()) return std::to_string(*number);
  return "?";
}

std::string time_cell(const boost::json::value& object, std::string_view name) {
  const boost::json::value* value = member(object, name);
  return value != nullptr && value->is_int64() ? human_time(value->get_int64()) : "-";
}

std::int64_t integer_at(const boost::json::value& object, std::string_view name) {
  const boost::json::value* value = member(object, name);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

std::string text_at(const boost::json::value& object, std::string_view name) {
  const boost::json::value* value = member(object, name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace vodlift::cli
