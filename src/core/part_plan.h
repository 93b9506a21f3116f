// How a file is cut into parts.
#pragma once

#include <cstdint>
#include <optional>

#include "base/error.h"

namespace vodlift {

inline constexpr std::int64_t kMinPartBytes = std::int64_t{5} * 1024 * 1024;
inline constexpr std::int64_t kMaxPartBytes = std::int64_t{5} * 1024 * 1024 * 1024;
inline constexpr int kMaxParts = 10000;  // of S3; some stores allow fewer
inline constexpr int kLeastMaxParts = 100;
// A file of this size or less is sent with one PutObject.
inline constexpr std::int64_t kMultipartThresholdBytes = std::int64_t{16} * 1024 * 1024;
inline constexpr std::int64_t kPreferredPartBytes = std::int64_t{16} * 1024 * 1024;
// Where the rate to the store is known, a part is as large as this time allows. It is short because the end of a turn
// waits for running parts, and because a broken connection repeats them. At a 30th of the rate a part takes a minute.
inline constexpr std::int64_t kPartSeconds = 2;
// Bounds of such a part, for any rate.
inline constexpr std::int64_t kSmallestRatedPartBytes = std::int64_t{8} * 1024 * 1024;
inline constexpr std::int64_t kLargestRatedPartBytes = std::int64_t{64} * 1024 * 1024;
// A part is larger than kPreferredPartBytes only in files of at least this many such parts: enough to keep all places
// for parts busy to the end, and to show progress.
inline constexpr std::int64_t kLeastRatedParts = 64;

// What a bucket's parts must keep to.
struct PartBounds {
  int max_parts = kMaxParts;             // of one file; at most kMaxParts
  std::int64_t part_size = 0;            // bytes that an operator chose; 0: by the rate
  std::int64_t largest = kMaxPartBytes;  // what one request to the bucket may carry, kMinPartBytes..kMaxPartBytes
};

// Equal parts, of which only the last may be smaller: every S3-compatible store accepts that.
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

// True when a file of `size` bytes is sent in parts: above kMultipartThresholdBytes, or above what a part may have.
bool wants_multipart(std::int64_t size, const PartBounds& bounds = {});

// The plan for `size` bytes (>= 1) where one request reaches `rate` bytes a second (any value; nothing: not known).
// Parts have `bounds.part_size`; without it they take kPartSeconds, or have kPreferredPartBytes if the rate is not
// known. They are larger, in whole MiB, where `bounds.max_parts` requires that. Errors: invalid_value above
// max_parts * kMaxPartBytes; s3_too_large where parts of `bounds.largest` do not hold the file.
Result<PartPlan> plan_parts(std::int64_t size, const PartBounds& bounds = {},
                            std::optional<std::int64_t> rate = std::nullopt);

// The plan of an earlier run with parts of `part_size`. Errors: invalid_value when `size` does not fit.
Result<PartPlan> plan_with_part_size(std::int64_t size, std::int64_t part_size);

}  // namespace vodlift
