// Dates in HTTP headers (RFC 9110 section 5.6.7).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace vodlift::net {

// The time that `text` names in one of the three forms: "Sun, 06 Nov 1994 08:49:37 GMT", those of RFC 850 and asctime.
// `now` decides the century of a year of two digits. Nothing for any other text, a day that does not exist, or one with
// another weekday. Any thread.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text, WallTime now);

// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::chrono::sys_seconds when);

}  // namespace vodlift::net
