#include "core/rate_limiter.h"

#include <algorithm>
#include <bit>

#include "base/hash.h"
#include "base/random.h"

namespace vodlift {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

std::int64_t ns_of(SteadyTime time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

RateLimiter::RateLimiter(Rate rate, std::size_t buckets)
    : hash_key_(random_bytes(kShortHashKeyBytes)), buckets_(std::bit_ceil(std::max(buckets, kWays))) {
  use(rate);
}

// A call meanwhile may see one new value and one old: it takes or refuses a token that it would not have otherwise.
void RateLimiter::use(Rate rate) {
  const std::int64_t interval =
      rate.per_second > 0 ? kSecondNs / std::min<std::int64_t>(rate.per_second, kSecondNs) : 0;
  slack_ns_ = (std::max(rate.burst, 1) - 1) * interval;
  interval_ns_ = interval;
}

std::uint64_t RateLimiter::hash(std::string_view who) const { return short_hash(hash_key_, who); }

std::chrono::nanoseconds RateLimiter::wait_of(std::int64_t full_at_ns, std::int64_t now_ns) const {
  return std::chrono::nanoseconds(std::max<std::int64_t>(full_at_ns - slack_ns_ - now_ns, 0));
}

std::chrono::nanoseconds RateLimiter::wait(std::string_view who, SteadyTime now) const {
  if (!is_limited()) return {};
  const std::uint64_t name = hash(who);
  const std::size_t set = name & (buckets_.size() / kWays - 1);
  const std::lock_guard lock(locks_[set % kLocks]);
  for (std::size_t i = set * kWays; i < (set + 1) * kWays; ++i) {
    if (buckets_[i].who == name) return wait_of(buckets_[i].full_at_ns, ns_of(now));
  }
  return {};
}

std::chrono::nanoseconds RateLimiter::take(std::string_view who, SteadyTime now) {
  if (!is_limited()) return {};
  const std::int64_t now_ns = ns_of(now);
  const std::uint64_t name = hash(who);
  const std::size_t set = name & (buckets_.size() / kWays - 1);
  const std::lock_guard lock(locks_[set % kLocks]);
  Bucket* fullest = &buckets_[set * kWays];
  Bucket* own = nullptr;
  for (std::size_t i = set * kWays; i < (set + 1) * kWays; ++i) {
    if (buckets_[i].who == name) own = &buckets_[i];
    if (buckets_[i].full_at_ns < fullest->full_at_ns) fullest = &buckets_[i];
  }
  if (own == nullptr) {
    own = fullest;
    *own = Bucket{name, now_ns};
  }
  const auto wait = wait_of(own->full_at_ns, now_ns);
  if (wait == std::chrono::nanoseconds::zero()) own->full_at_ns = std::max(own->full_at_ns, now_ns) + interval_ns_;
  return wait;
}

}  // namespace vodlift
