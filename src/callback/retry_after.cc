#include "callback/retry_after.h"

#include <algorithm>
#include <charconv>

#include "net/http_date.h"

namespace vodlift::callback {

namespace chrono = std::chrono;

std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, WallTime now) {
  if (value.empty()) return std::nullopt;
  if (value.find_first_not_of("0123456789") == std::string_view::npos) {
    std::int64_t seconds = 0;
    const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    // More than an int64 holds is still a number, and far more than the limit.
    if (failed != std::errc()) return kMaxRetryAfter;
    return std::min(chrono::seconds(seconds), kMaxRetryAfter);
  }
  const auto when = net::parse_http_date(value, now);
  if (!when) return std::nullopt;
  return std::clamp(chrono::ceil<chrono::seconds>(*when - now), chrono::seconds(0), kMaxRetryAfter);
}

}  // namespace vodlift::callback
