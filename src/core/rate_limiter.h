// Token buckets for any number of names, in bounded memory.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace vodlift {

struct Rate {
  int per_second = 0;  // tokens that come back, 1 to 1,000,000,000; 0: no limit
  int burst = 1;       // tokens of a full bucket, 1 and above
};

// A token bucket for each name, full at first. Internally locked; a call takes well below a microsecond.
//
// There are `buckets` buckets of 16 bytes. The keyed hash of a name selects eight of them. A new name replaces the
// fullest of its eight; nothing is lost when that is full. A client can have its own bucket forgotten early only by
// emptying the other seven further than its own, and it cannot know their names.
class RateLimiter {
 public:
  // `buckets` is rounded up to a power of two, 8 at least.
  RateLimiter(Rate rate, std::size_t buckets);

  // The rate from now on. A bucket lacks as much time as before: what it lacks in tokens follows the new rate.
  void use(Rate rate);

  // How long until `who` has a token; zero if there is one. Takes no token.
  [[nodiscard]] std::chrono::nanoseconds wait(std::string_view who, SteadyTime now) const;
  // Takes a token and returns zero; if there is none, returns how long until there is one.
  std::chrono::nanoseconds take(std::string_view who, SteadyTime now);

 private:
  // A bucket is described by the time at which it will be full.
  struct Bucket {
    std::uint64_t who = 0;
    std::int64_t full_at_ns = 0;
  };
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kLocks = 64;

  [[nodiscard]] std::uint64_t hash(std::string_view who) const;
  [[nodiscard]] bool is_limited() const { return interval_ns_.load(std::memory_order_relaxed) > 0; }
  [[nodiscard]] std::chrono::nanoseconds wait_of(std::int64_t full_at_ns, std::int64_t now_ns) const;

  std::atomic<std::int64_t> interval_ns_{0};  // between two tokens; 0: no limit
  std::atomic<std::int64_t> slack_ns_{0};     // how far before full_at_ns one may be taken
  const std::string hash_key_;
  std::vector<Bucket> buckets_;
  mutable std::array<std::mutex, kLocks> locks_;  // by set
};

}  // namespace vodlift
