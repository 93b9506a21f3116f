// How fast single requests bring bytes to each bucket.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "core/account_store.h"
#include "core/part_plan.h"

namespace vodlift::s3 {

// Requests of fewer bytes tell of the store's delay and of TCP's slow start rather than of what a part will get: they
// count nothing.
inline constexpr std::int64_t kLeastMeasuredBytes = kSmallestRatedPartBytes;
// A bucket's rate is forgotten when nothing was measured there for so long.
inline constexpr std::chrono::hours kRateLasts{1};
inline constexpr std::size_t kMaxMeasuredBuckets = 4096;  // when more come, all rates are forgotten

// Internally locked. Kept in memory only.
class MeasuredRates {
 public:
  using Steady = std::function<std::chrono::steady_clock::time_point()>;

  explicit MeasuredRates(Steady steady = std::chrono::steady_clock::now) : steady_(std::move(steady)) {}

  // A request to the bucket brought `bytes` (5 GiB at most) there and was confirmed `took` after its first byte. Each
  // weighs 1/8 less than the next. Without effect where `took` is not above 0.
  void add(const BucketAccess& access, std::int64_t bytes, std::chrono::nanoseconds took);

  // Bytes a second, >= 0; nothing: not known.
  [[nodiscard]] std::optional<std::int64_t> rate(const BucketAccess& access) const;

 private:
  // Bytes and time are averaged, not single rates: so their quotient tells how long a part will take. A slow request
  // weighs by its time: the rate falls within a few requests, and rises within some tens.
  struct Sums {
    double bytes = 0;
    double seconds = 0;
    std::chrono::steady_clock::time_point last{};
  };

  const Steady steady_;
  mutable std::mutex mutex_;
  std::map<std::string, Sums> sums_;  // by endpoint and bucket
};

}  // namespace vodlift::s3
