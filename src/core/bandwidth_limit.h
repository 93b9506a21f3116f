// Bandwidth limits: whose uploads may be sent how fast, and when.
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

// Bytes per second; nothing: no limit.
using ByteRate = std::optional<std::int64_t>;

// At a lower rate, stores would close the connections of uploads that share the limit.
inline constexpr std::int64_t kMinRate = 100'000;
inline constexpr std::int64_t kMaxRate = 1'000'000'000'000;
inline constexpr std::size_t kMaxWindows = 32;
inline constexpr std::size_t kMaxBandwidthLimits = 10'000;

// "50MB", "50 MB/s", "400Mbit", "48MiB", "none". Units: k, M, G (powers of 1000) and Ki, Mi, Gi with B, or bit.
// Errors: invalid_value.
Result<ByteRate> parse_rate(std::string_view text);
// Inverse of parse_rate(), in the largest unit of bytes that gives a whole number: "50MB"; "none".
std::string to_text(const ByteRate& rate);

// Days and times of each week in which another rate applies.
struct BandwidthWindow {
  unsigned days = 0;  // on which the window begins; bit 0: Monday … bit 6: Sunday
  int from = 0;       // minute of the day, 0..1439
  int to = 0;         // 1..1440; `from` or less: on the next day
  ByteRate rate;

  [[nodiscard]] bool contains(const LocalTime& time) const;
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

  auto operator<=>(const BandwidthScope&) const = default;  // NOLINT(modernize-use-nullptr): false alarm
};
std::string_view to_string(BandwidthScope::Kind kind);  // "all", "storage", "account", "bucket"
std::optional<BandwidthScope::Kind> scope_kind_from(std::string_view word);
// "all uploads", "storage sestore4", "account 158", "bucket my_bucket of account 158"
std::string to_text(const BandwidthScope& scope);

struct BandwidthLimit {
  BandwidthScope scope;
  ByteRate rate;                         // outside of all windows
  std::vector<BandwidthWindow> windows;  // the first that contains the time applies; kMaxWindows at most
  std::string time_zone = "UTC";         // of the windows

  [[nodiscard]] ByteRate rate_at(const LocalTime& time) const;
};

// Port: the limits that are set, kept over restarts. Any thread; every call blocks for the disk. Errors of all:
// store_failed.
class BandwidthLimits {
 public:
  BandwidthLimits() = default;
  BandwidthLimits(const BandwidthLimits&) = delete;
  BandwidthLimits& operator=(const BandwidthLimits&) = delete;
  virtual ~BandwidthLimits() = default;

  // Sorted by scope.
  virtual Result<std::vector<BandwidthLimit>> list() = 0;
  // Adds the limit, or replaces the limit of the same scope. Errors also: invalid_value (kMaxBandwidthLimits are set).
  virtual Result<> put(const BandwidthLimit& limit) = 0;
  // Errors also: not_found.
  virtual Result<> remove(const BandwidthScope& scope) = 0;
};

}  // namespace vodlift
