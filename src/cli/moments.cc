#include "cli/moments.h"

#include <charconv>
#include <cstdint>

namespace vodlift::cli {
namespace {

using std::chrono::seconds;

constexpr seconds kLongest = std::chrono::years(10);

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

std::optional<seconds> parse_duration(std::string_view text) {
  if (text == "0") return seconds::zero();
  if (text.empty()) return std::nullopt;
  const auto unit = seconds_of_unit(text.back());
  const auto number = number_of(text.substr(0, text.size() - 1));
  if (!unit || !number || *number > kLongest.count() / *unit) return std::nullopt;
  return seconds(*number * *unit);
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
  return seconds(std::chrono::sys_days(date).time_since_epoch()).count();
}

}  // namespace vodlift::cli
