// The header Retry-After (RFC 9110 section 10.2.3).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace vodlift::callback {

inline constexpr std::chrono::seconds kMaxRetryAfter = std::chrono::hours(24);

// How long to wait from `now` on, 0 s to 24 h (more is cut to that): from a number of seconds or one of the three date
// forms of RFC 9110 section 5.6.7. Nothing for anything else. Any thread.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, WallTime now);

}  // namespace vodlift::callback
