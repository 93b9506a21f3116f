#include "core/bandwidth_limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/encoding.h"
#include "base/words.h"

namespace vodlift {
namespace {

constexpr std::string_view kNone = "none";
constexpr int kMinutesPerDay = 24 * 60;
constexpr unsigned kEveryDay = 0x7f;
constexpr std::array<std::string_view, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

constexpr Words<BandwidthScope::Kind> kScopeKinds = {
    {BandwidthScope::Kind::all, "all"},
    {BandwidthScope::Kind::storage, "storage"},
    {BandwidthScope::Kind::account, "account"},
    {BandwidthScope::Kind::bucket, "bucket"},
};

struct Unit {
  std::string_view name;
  double bytes;
};
// The largest first. to_text() uses the first kUnitsOfText: bytes in powers of 1000.
constexpr std::array kUnits = {
    Unit{"GB", 1e9},        Unit{"MB", 1e6},     Unit{"kB", 1e3},      Unit{"B", 1},         Unit{"GiB", 1073741824.0},
    Unit{"MiB", 1048576.0}, Unit{"KiB", 1024.0}, Unit{"Gbit", 1.25e8}, Unit{"Mbit", 1.25e5}, Unit{"kbit", 125},
};
constexpr std::size_t kUnitsOfText = 4;

Error bad_rate(std::string_view text) {
  return {Errc::invalid_value,
          fmt::format("rate: '{}' is not a rate; give bytes or bits per second with a unit, such as 50MB, 48MiB or "
                      "400Mbit, or \"none\"",
                      printable(text))};
}

Error bad_window(std::string_view text) {
  return {Errc::invalid_value,
          fmt::format("timetable: '{}' is not understood; write days, times and a rate, such as \"Mon-Fri 08:00-18:00 "
                      "10MB\", \"Sat,Sun 00:00-24:00 none\" or \"daily 22:00-06:00 50MB\"",
                      printable(text))};
}

std::optional<int> day_from(std::string_view word) {
  const auto at = std::ranges::find(kDays, word);
  if (at == kDays.end()) return std::nullopt;
  return static_cast<int>(at - kDays.begin());
}

// "Mon", "Mon-Fri", "Fri-Mon"
std::optional<unsigned> day_range_from(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = day_from(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : day_from(text.substr(dash + 1));
  if (!first || !last) return std::nullopt;
  unsigned days = 0;
  for (int day = *first;; day = (day + 1) % 7) {
    days |= 1U << day;
    if (day == *last) return days;
  }
}

std::optional<unsigned> days_from(std::string_view text) {
  if (text == "daily") return kEveryDay;
  unsigned days = 0;
  for (;;) {
    const std::size_t comma = text.find(',');
    const auto range = day_range_from(text.substr(0, comma));
    if (!range) return std::nullopt;
    days |= *range;
    if (comma == std::string_view::npos) return days;
    text.remove_prefix(comma + 1);
  }
}

std::optional<int> two_digits(std::string_view text) {
  int number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size() || text.size() != 2) return std::nullopt;
  return number;
}

// "08:00" to "24:00"
std::optional<int> minute_from(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hours = two_digits(text.substr(0, 2));
  const auto minutes = two_digits(text.substr(3));
  if (!hours || !minutes || *minutes > 59 || *hours * 60 + *minutes > kMinutesPerDay) return std::nullopt;
  return *hours * 60 + *minutes;
}

std::string clock_text(int minute) { return fmt::format("{:02}:{:02}", minute / 60, minute % 60); }

std::string days_text(unsigned days) {
  if (days == kEveryDay) return "daily";
  std::string text;
  for (std::size_t day = 0; day < kDays.size(); ++day) {
    if ((days >> day & 1U) == 0) continue;
    std::size_t last = day;
    while (last + 1 < kDays.size() && (days >> (last + 1) & 1U) != 0) ++last;
    if (!text.empty()) text += ',';
    text += kDays[day];
    if (last > day) text += fmt::format("{}{}", last == day + 1 ? ',' : '-', kDays[last]);
    day = last;
  }
  return text;
}

}  // namespace

Result<ByteRate> parse_rate(std::string_view text) {
  if (text == kNone) return ByteRate();
  std::string_view left = text;
  if (left.ends_with("/s")) left.remove_suffix(2);
  double number = 0;
  const auto [end, failed] = std::from_chars(left.data(), left.data() + left.size(), number, std::chars_format::fixed);
  if (failed != std::errc() || !std::isfinite(number) || number < 0) return bad_rate(text);
  left.remove_prefix(static_cast<std::size_t>(end - left.data()));
  if (left.starts_with(' ')) left.remove_prefix(1);
  const auto unit = std::ranges::find(kUnits, left, &Unit::name);
  if (unit == kUnits.end()) return bad_rate(text);
  const double bytes = std::round(number * unit->bytes);
  if (bytes < static_cast<double>(kMinRate) || bytes > static_cast<double>(kMaxRate)) {
    return Error{Errc::invalid_value,
                 fmt::format("rate: {} is out of bounds; {} to {} are allowed, or \"none\". To send nothing, pause the "
                             "uploads",
                             printable(text), to_text(ByteRate(kMinRate)), to_text(ByteRate(kMaxRate)))};
  }
  return ByteRate(static_cast<std::int64_t>(bytes));
}

std::string to_text(const ByteRate& rate) {
  if (!rate) return std::string(kNone);
  for (const Unit& unit : std::span(kUnits).first(kUnitsOfText)) {
    const auto bytes = static_cast<std::int64_t>(unit.bytes);
    if (*rate % bytes == 0) return fmt::format("{}{}", *rate / bytes, unit.name);
  }
  return {};
}

bool BandwidthWindow::contains(const LocalTime& time) const {
  const auto begins_on = [this](int weekday) { return (days >> weekday & 1U) != 0; };
  if (from < to) return begins_on(time.weekday) && time.minute >= from && time.minute < to;
  return (begins_on(time.weekday) && time.minute >= from) || (begins_on((time.weekday + 6) % 7) && time.minute < to);
}

Result<BandwidthWindow> parse_window(std::string_view text) {
  const std::size_t first = text.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : text.find(' ', first + 1);
  if (second == std::string_view::npos) return bad_window(text);
  const std::string_view times = text.substr(first + 1, second - first - 1);
  const std::size_t dash = times.find('-');
  if (dash == std::string_view::npos) return bad_window(text);
  const auto days = days_from(text.substr(0, first));
  const auto from = minute_from(times.substr(0, dash));
  const auto to = minute_from(times.substr(dash + 1));
  if (!days || !from || !to || *from == kMinutesPerDay || *to == 0 || *from == *to) return bad_window(text);
  auto rate = parse_rate(text.substr(second + 1));
  if (!rate) return rate.error();
  return BandwidthWindow{*days, *from, *to, *rate};
}

std::string to_text(const BandwidthWindow& window) {
  return fmt::format("{} {}-{} {}", days_text(window.days), clock_text(window.from), clock_text(window.to),
                     to_text(window.rate));
}

std::string_view to_string(BandwidthScope::Kind kind) { return kScopeKinds.word(kind); }
std::optional<BandwidthScope::Kind> scope_kind_from(std::string_view word) { return kScopeKinds.value(word); }

std::string to_text(const BandwidthScope& scope) {
  switch (scope.kind) {
    case BandwidthScope::Kind::all:
      return "all uploads";
    case BandwidthScope::Kind::storage:
      return fmt::format("storage {}", scope.name);
    case BandwidthScope::Kind::account:
      return fmt::format("account {}", scope.account);
    case BandwidthScope::Kind::bucket:
      return fmt::format("bucket {} of account {}", scope.name, scope.account);
  }
  return "";
}

ByteRate BandwidthLimit::rate_at(const LocalTime& time) const {
  const auto window = std::ranges::find_if(windows, [&](const BandwidthWindow& one) { return one.contains(time); });
  return window == windows.end() ? rate : window->rate;
}

}  // namespace vodlift
