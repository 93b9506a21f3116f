#include "s3/measured_rates.h"

namespace vodlift::s3 {
namespace {

constexpr double kKept = 7.0 / 8;  // of the weight of what came before

std::string key_of(const BucketAccess& access) { return access.endpoint + '\n' + access.bucket; }

}  // namespace

void MeasuredRates::add(const BucketAccess& access, std::int64_t bytes, std::chrono::nanoseconds took) {
  if (bytes < kLeastMeasuredBytes || took.count() <= 0) return;
  const auto now = steady_();
  const std::string key = key_of(access);
  const std::lock_guard lock(mutex_);
  if (sums_.size() >= kMaxMeasuredBuckets && !sums_.contains(key)) sums_.clear();
  Sums& sums = sums_[key];
  if (now - sums.last > kRateLasts) sums = {};
  sums.bytes = sums.bytes * kKept + static_cast<double>(bytes);
  sums.seconds = sums.seconds * kKept + std::chrono::duration<double>(took).count();
  sums.last = now;
}

std::optional<std::int64_t> MeasuredRates::rate(const BucketAccess& access) const {
  const auto now = steady_();
  const std::lock_guard lock(mutex_);
  const auto at = sums_.find(key_of(access));
  if (at == sums_.end() || now - at->second.last > kRateLasts) return std::nullopt;
  return static_cast<std::int64_t>(at->second.bytes / at->second.seconds);
}

}  // namespace vodlift::s3
