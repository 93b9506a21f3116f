// Durations and points in time as an operator writes them.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace vodlift::cli {

// "90s", "30m", "24h", "30d", or "0": a whole number and a unit; at most ten years.
std::optional<std::chrono::seconds> parse_duration(std::string_view text);

// A duration from `now` on, or a day as "2027-01-31" (its beginning, UTC). Answers Unix seconds.
std::optional<std::int64_t> parse_moment(std::string_view text, std::int64_t now);

}  // namespace vodlift::cli
