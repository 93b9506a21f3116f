// How fast uploads may be sent, of whom, and when.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time_zone.h"
#include "core/upload.h"

namespace vodlift {

// Bytes per second; nothing: as many as there are.
using ByteRate = std::optional<std::int64_t>;

// Less than this would have stores hang up on uploads that share it.
inline constexpr std::int64_t kMinRate = 100'000;
inline constexpr std::int64_t kMaxRate = 1'000'000'000'000;
inline constexpr std::size_t kMaxWindows = 32;
inline constexpr std::size_t kMaxBandwidthLimits = 10'000;

// "50MB", "50 MB/s", "400Mbit", "48MiB", "none". Units: k, M, G (powers of 1000) and Ki, Mi, Gi with B, or bit.
// Errors: invalid_value.
Result<ByteRate> parse_rate(std::string_view text);
// In the largest unit of bytes that gives a whole number: "50MB"; "none".
std::string to_text(const ByteRate& rate);

// Days and times of each week in which another rate counts.
struct BandwidthWindow {
  unsigned days = 0;  // bit 0: Monday … bit 6: Sunday; those on which it begins
  int from = 0;       // minute of the day, 0..1439
  int to = 0;         // 1..1440; not above `from`: on the next day
  ByteRate rate;

  [[nodiscard]] bool holds(const LocalTime& time) const;
};

// "Mon-Fri 08:00-18:00 10MB", "Sat,Sun 00:00-24:00 none", "daily 22:00-06:00 none". Errors: invalid_value.
Result<BandwidthWindow> parse_window(std::string_view text);
std::string to_text(const BandwidthWindow& window);

// Whose uploads share a limit.
struct BandwidthScope {
  enum class Kind { all, storage, account, bucket };
  Kind kind = Kind::all;
  AccountId account = 0;  // of Kind::account and Kind::bucket
  std::string name;       // of the storage or the account's bucket

  auto operator<=>(const BandwidthScope&) const = default;  // NOLINT(modernize-use-nullptr): it takes the zero for one
};
std::string_view to_string(BandwidthScope::Kind kind);  // "all", "storage", "account", "bucket"
std::optional<BandwidthScope::Kind> scope_kind_from(std::string_view word);
// "all uploads", "storage sestore4", "account 158", "bucket my_bucket of account 158"
std::string to_text(const BandwidthScope& scope);

struct BandwidthLimit {
  BandwidthScope scope;
  ByteRate rate;                         // while no window counts
  std::vector<BandwidthWindow> windows;  // the first that holds the time counts; kMaxWindows at most
  std::string time_zone = "UTC";         // of the windows

  [[nodiscard]] ByteRate rate_at(const LocalTime& time) const;
};

}  // namespace vodlift
