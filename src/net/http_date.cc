#include "net/http_date.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace vodlift::net {
namespace {

namespace chrono = std::chrono;

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

constexpr std::size_t kShortDay = 3;  // letters of a day's short name

// Reads a date piece by piece; once a piece did not fit, nothing fits any more.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : rest_(text) {}

  void literal(std::string_view expected) {
    good_ = good_ && rest_.starts_with(expected);
    if (good_) rest_.remove_prefix(expected.size());
  }

  // Exactly `digits` digits.
  int number(std::size_t digits) {
    int value = 0;
    const auto end = rest_.data() + std::min(digits, rest_.size());
    const bool starts_with_digit = !rest_.empty() && is_digit(rest_.front());
    good_ = good_ && rest_.size() >= digits && starts_with_digit &&
            std::from_chars(rest_.data(), end, value).ptr == rest_.data() + digits;
    if (good_) rest_.remove_prefix(digits);
    return value;
  }

  // Two digits, of which the first may be a blank (asctime).
  int padded_number() {
    if (!rest_.starts_with(' ')) return number(2);
    rest_.remove_prefix(1);
    return number(1);
  }

  // Which of `words`, cut to `length` characters (0: whole), comes next.
  template <std::size_t N>
  unsigned word(const std::array<std::string_view, N>& words, std::size_t length) {
    for (unsigned i = 0; i < N; ++i) {
      const std::string_view candidate = length == 0 ? words[i] : words[i].substr(0, length);
      if (good_ && rest_.starts_with(candidate)) {
        rest_.remove_prefix(candidate.size());
        return i;
      }
    }
    good_ = false;
    return 0;
  }

  [[nodiscard]] bool complete() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

struct HttpDate {
  unsigned weekday = 0;  // 0: Sunday
  int year = 0;
  unsigned month = 0;  // 0: January
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;

  void read_time(DateReader& reader) {
    hour = reader.number(2);
    reader.literal(":");
    minute = reader.number(2);
    reader.literal(":");
    second = reader.number(2);
  }

  // Nothing for a day that does not exist or has another weekday. A leap second counts as the one before it.
  [[nodiscard]] std::optional<chrono::sys_seconds> to_time() const {
    const chrono::year_month_day date(chrono::year(year), chrono::month(month + 1),
                                      chrono::day(static_cast<unsigned>(day)));
    if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
    const chrono::sys_days days(date);
    if (chrono::weekday(days).c_encoding() != weekday) return std::nullopt;
    return days + chrono::hours(hour) + chrono::minutes(minute) + chrono::seconds(std::min(second, 59));
  }
};

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<HttpDate> read_imf_fixdate(std::string_view text) {
  DateReader reader(text);
  HttpDate out;
  out.weekday = reader.word(kDays, 3);
  reader.literal(", ");
  out.day = reader.number(2);
  reader.literal(" ");
  out.month = reader.word(kMonths, 0);
  reader.literal(" ");
  out.year = reader.number(4);
  reader.literal(" ");
  out.read_time(reader);
  reader.literal(" GMT");
  return reader.complete() ? std::optional(out) : std::nullopt;
}

// "Sunday, 06-Nov-94 08:49:37 GMT". A year that seems more than 50 years ahead is the past one with those digits.
std::optional<HttpDate> read_rfc850_date(std::string_view text, WallTime now) {
  DateReader reader(text);
  HttpDate out;
  out.weekday = reader.word(kDays, 0);
  reader.literal(", ");
  out.day = reader.number(2);
  reader.literal("-");
  out.month = reader.word(kMonths, 0);
  reader.literal("-");
  out.year = reader.number(2);
  reader.literal(" ");
  out.read_time(reader);
  reader.literal(" GMT");
  if (!reader.complete()) return std::nullopt;
  const int this_year = static_cast<int>(chrono::year_month_day(chrono::floor<chrono::days>(now)).year());
  out.year += this_year / 100 * 100;
  if (out.year > this_year + 50) out.year -= 100;
  return out;
}

// "Sun Nov  6 08:49:37 1994"
std::optional<HttpDate> read_asctime_date(std::string_view text) {
  DateReader reader(text);
  HttpDate out;
  out.weekday = reader.word(kDays, 3);
  reader.literal(" ");
  out.month = reader.word(kMonths, 0);
  reader.literal(" ");
  out.day = reader.padded_number();
  reader.literal(" ");
  out.read_time(reader);
  reader.literal(" ");
  out.year = reader.number(4);
  return reader.complete() ? std::optional(out) : std::nullopt;
}

}  // namespace

std::optional<chrono::sys_seconds> parse_http_date(std::string_view text, WallTime now) {
  auto date = read_imf_fixdate(text);
  if (!date) date = read_rfc850_date(text, now);
  if (!date) date = read_asctime_date(text);
  return date ? date->to_time() : std::nullopt;
}

// Not with strftime(), whose names follow the locale.
std::string http_date(chrono::sys_seconds when) {
  const auto day = chrono::floor<chrono::days>(when);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss time(when - day);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT",
                     kDays[chrono::weekday(day).c_encoding()].substr(0, kShortDay), unsigned{date.day()},
                     kMonths[unsigned{date.month()} - 1], int{date.year()}, time.hours().count(),
                     time.minutes().count(), time.seconds().count());
}

}  // namespace vodlift::net
