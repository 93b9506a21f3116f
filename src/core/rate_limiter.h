// Token buckets for many at once, in bounded memory.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace vodlift {

struct Rate {
  int per_second = 0;  // tokens that come back, 1 to 1,000,000,000; 0: no limit
  int burst = 1;       // tokens of a full bucket, 1 and above
};

// A bucket for everybody who is named, full at first. Internally locked; takes well below a microsecond.
//
// There are `buckets` buckets of 16 bytes. Somebody new takes the place of the fullest among the eight that his name's
// keyed hash leads to; a full one is forgotten without loss. So who wants his own bucket forgotten before it is full
// has to know seven others of its eight, which he cannot, and to empty each of them further than his own.
class RateLimiter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `buckets` is rounded up to a power of two, 8 at least.
  RateLimiter(Rate rate, std::size_t buckets);

  // How long until `who` has a token; zero when there is one. Takes none.
  [[nodiscard]] std::chrono::nanoseconds wait(std::string_view who, Time now) const;
  // Takes a token and answers zero; takes none when there is none, and answers how long until there is.
  std::chrono::nanoseconds take(std::string_view who, Time now);

 private:
  // A bucket as the time at which it will be full: one number is all there is to know of it.
  struct Bucket {
    std::uint64_t who = 0;
    std::int64_t full_at_ns = 0;
  };
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kLocks = 64;

  [[nodiscard]] std::uint64_t hash(std::string_view who) const;
  [[nodiscard]] std::chrono::nanoseconds wait_of(std::int64_t full_at_ns, std::int64_t now_ns) const;

  const bool limited_;
  std::int64_t interval_ns_ = 0;  // between two tokens
  std::int64_t slack_ns_ = 0;     // how far before full_at_ns one may be taken
  const std::string hash_key_;
  std::vector<Bucket> buckets_;
  mutable std::array<std::mutex, kLocks> locks_;  // by set
};

}  // namespace vodlift
