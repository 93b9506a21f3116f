#include "cli/text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <locale.h>
#include <unistd.h>
#include <wchar.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <clocale>
#include <cstdlib>
#include <ctime>
#include <cwchar>
#include <utility>

#include "base/clock.h"
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

constexpr std::array<std::pair<std::string_view, Color>, 11> kColoredWords = {{
    {"failed", Color::red},
    {"revoked", Color::red},
    {"FAIL", Color::red},
    {"critical", Color::red},
    {"completed", Color::green},
    {"delivered", Color::green},
    {"ok", Color::green},
    {"warn", Color::yellow},
    {"warning", Color::yellow},
    {"paused", Color::yellow},
    {"expired", Color::yellow},
}};

std::string in_its_color(const std::string& cell) {
  const auto* found = std::ranges::find(kColoredWords, cell, [](const auto& word) { return word.first; });
  return found == kColoredWords.end() ? cell : colored(cell, found->second, STDOUT_FILENO);
}

// Another text stays as it is.
std::string local_time(const char* utc) {
  std::tm broken_down{};
  const char* rest = ::strptime(utc, "%Y-%m-%dT%H:%M:%S", &broken_down);
  if (rest == nullptr || !std::string_view(rest).ends_with('Z')) return utc;
  return human_time(::timegm(&broken_down));
}

// wcwidth() and mbrtowc() go by the thread's locale. C.UTF-8 is part of the C library.
class Utf8Locale {
 public:
  Utf8Locale() : before_(::uselocale(utf8())) {}
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;
  ~Utf8Locale() { ::uselocale(before_); }

 private:
  static locale_t utf8() {
    static const locale_t kUtf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return kUtf8;
  }

  const locale_t before_;
};

}  // namespace

std::string colored(std::string_view text, Color color, int descriptor) {
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool is_wanted = refused == nullptr || *refused == '\0';
  const bool is_able = terminal != nullptr && *terminal != '\0' && std::string_view(terminal) != "dumb";
  if (!is_wanted || !is_able || ::isatty(descriptor) == 0) return std::string(text);
  constexpr std::array kCodes = {31, 32, 33};
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes.at(static_cast<std::size_t>(color)), text);
}

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
      out += in_its_color(row[i]);
      if (i + 1 < row.size()) out.append(widths[i] - width_of(row[i]) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

std::size_t width_of(std::string_view utf8) {
  const Utf8Locale utf8_here;
  std::size_t width = 0;
  std::mbstate_t state{};
  while (!utf8.empty()) {
    wchar_t character = 0;
    const std::size_t bytes = std::mbrtowc(&character, utf8.data(), utf8.size(), &state);
    const bool is_character = bytes > 0 && bytes <= utf8.size();
    if (!is_character) state = {};
    // A byte that is no character, and a character that nobody knows, take a column on most terminals.
    const int columns = is_character ? ::wcwidth(character) : 1;
    width += static_cast<std::size_t>(columns < 0 ? 1 : columns);
    utf8.remove_prefix(is_character ? bytes : 1);
  }
  return width;
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

Result<std::chrono::seconds> parse_overlap(std::string_view text) {
  if (const auto overlap = parse_duration(text)) return *overlap;
  return Error{Errc::invalid_value, fmt::format("--overlap: expected a time such as 24h, 30m or 7d, or 0; found \"{}\"",
                                                printable(text, 64))};
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

Result<std::int64_t> parse_past(std::string_view option, std::string_view text) {
  const std::int64_t now = to_unix_seconds(SystemClock().now());
  if (const auto ago = parse_duration(text)) return std::max<std::int64_t>(now - ago->count(), 0);
  if (const auto day = parse_moment(text, now); day && *day >= 0) return *day;
  return Error{Errc::invalid_value,
               fmt::format("{}: expected a time before now such as 2h, 30m or 7d, or a day such as 2027-01-31 (UTC); "
                           "found \"{}\"",
                           option, printable(text, 64))};
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
  if (value == nullptr) return "-";
  if (value->is_string()) return local_time(value->get_string().c_str());
  return value->is_int64() ? human_time(value->get_int64()) : "-";
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
