// How a file is cut into parts.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace vodlift {

inline constexpr std::int64_t kMinPartBytes = std::int64_t{5} * 1024 * 1024;
inline constexpr std::int64_t kMaxPartBytes = std::int64_t{5} * 1024 * 1024 * 1024;
inline constexpr int kMaxParts = 10000;  // of S3; some stores take fewer
inline constexpr int kLeastMaxParts = 100;
// Below this a file goes in one PutObject.
inline constexpr std::int64_t kMultipartThresholdBytes = std::int64_t{16} * 1024 * 1024;
inline constexpr std::int64_t kPreferredPartBytes = std::int64_t{16} * 1024 * 1024;

// Equal parts, the last one smaller or equal: what every S3-compatible store accepts.
struct PartPlan {
  std::int64_t size = 0;       // of the file, bytes
  std::int64_t part_size = 0;  // bytes
  int count = 0;               // parts, 1..kMaxParts

  // Where part `number` (from 1) begins and how many bytes it has.
  [[nodiscard]] std::int64_t offset_of(int number) const { return (number - 1) * part_size; }
  [[nodiscard]] std::int64_t size_of(int number) const {
    return number < count ? part_size : size - (count - 1) * part_size;
  }
};

// True when a file of `size` bytes is sent in parts.
bool wants_multipart(std::int64_t size);

// The plan for `size` bytes (>= 1): kPreferredPartBytes, or the smallest whole MiB that keeps to `max_parts` (at most
// kMaxParts). Errors: invalid_value above max_parts * kMaxPartBytes.
Result<PartPlan> plan_parts(std::int64_t size, int max_parts = kMaxParts);

// The plan that an earlier run began with parts of `part_size`. Errors: invalid_value when it cannot hold `size`.
Result<PartPlan> plan_with_part_size(std::int64_t size, std::int64_t part_size);

}  // namespace vodlift
