#include "core/part_plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace vodlift {
namespace {

constexpr std::int64_t kMiB = std::int64_t{1024} * 1024;

constexpr std::int64_t divide_up(std::int64_t value, std::int64_t by) { return (value + by - 1) / by; }

// Whole MiB.
std::int64_t preferred_part(std::int64_t size, std::optional<std::int64_t> rate) {
  if (!rate) return kPreferredPartBytes;
  const std::int64_t largest = std::max(kPreferredPartBytes, std::min(kLargestRatedPartBytes, size / kLeastRatedParts));
  const std::int64_t in_time = std::clamp(*rate, std::int64_t{0}, kLargestRatedPartBytes) * kPartSeconds;
  return std::clamp(in_time, kSmallestRatedPartBytes, largest) / kMiB * kMiB;
}

}  // namespace

bool wants_multipart(std::int64_t size, const PartBounds& bounds) {
  std::int64_t whole = std::min(kMultipartThresholdBytes, bounds.largest);
  if (bounds.part_size > 0) whole = std::min(whole, bounds.part_size);
  return size > whole;
}

Result<PartPlan> plan_parts(std::int64_t size, const PartBounds& bounds, std::optional<std::int64_t> rate) {
  std::int64_t part_size = bounds.part_size > 0 ? bounds.part_size : preferred_part(size, rate);
  part_size = std::clamp(part_size, kMinPartBytes, bounds.largest);
  const bool too_many = divide_up(size, part_size) > bounds.max_parts;
  if (too_many) part_size = divide_up(divide_up(size, bounds.max_parts), kMiB) * kMiB;
  // The last MiB of the range does not divide evenly: 5 GiB parts still hold it.
  if (part_size > kMaxPartBytes) {
    return Error{Errc::invalid_value,
                 fmt::format("a file of {} bytes is larger than the {} bytes that {} parts can hold", size,
                             bounds.max_parts * kMaxPartBytes, bounds.max_parts)};
  }
  if (part_size > bounds.largest) {
    return Error{Errc::s3_too_large,
                 fmt::format("a file of {} bytes needs parts of {} bytes, as {} are allowed, but the store, or a proxy "
                             "before it, takes no more than {} bytes at once; raise that limit, or allow more parts",
                             size, part_size, bounds.max_parts, bounds.largest)};
  }
  return plan_with_part_size(size, part_size);
}

Result<PartPlan> plan_with_part_size(std::int64_t size, std::int64_t part_size) {
  if (size < 1) return Error{Errc::invalid_value, fmt::format("a file of {} bytes cannot be sent in parts", size)};
  if (part_size < kMinPartBytes || part_size > kMaxPartBytes) {
    return Error{Errc::invalid_value, fmt::format("a part of {} bytes is outside 5 MiB to 5 GiB", part_size)};
  }
  const std::int64_t count = divide_up(size, part_size);
  if (count > kMaxParts) {
    return Error{Errc::invalid_value,
                 fmt::format("{} bytes in parts of {} are more than {} parts", size, part_size, kMaxParts)};
  }
  return PartPlan{size, part_size, static_cast<int>(count)};
}

}  // namespace vodlift
