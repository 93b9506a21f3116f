// Makes guessing slow: who was wrong several times must wait, longer each time. In bounded memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace vodlift {

// A count of failures for each name. Internally locked; a call takes well below a microsecond.
//
// It holds kEntries names. The keyed hash of a name selects eight places. A new name takes that of the name which has
// failed least, and which was wrong longest ago among those. Whoever wants to have a name forgotten must be wrong more
// often under seven other names, which they cannot choose.
class FailureDelay {
 public:
  static constexpr int kFree = 5;                       // tries before the first wait
  static constexpr std::chrono::seconds kFirstWait{2};  // doubles with each further try
  static constexpr std::chrono::seconds kLongestWait{300};
  static constexpr std::chrono::hours kForgottenAfter{1};  // without a try
  static constexpr std::size_t kEntries = 4096;

  FailureDelay();

  // Zero: `who` may try now, and the try counts as failed until succeeded() or withdraw() says otherwise: of many tries
  // at the same time, no more are free than one after the other. Else: how long `who` must wait; nothing is counted.
  std::chrono::nanoseconds begin(std::string_view who, SteadyTime now);
  // The name has no failures any more.
  void succeeded(std::string_view who);
  // The try could not be made after all.
  void withdraw(std::string_view who);

 private:
  struct Entry {
    std::uint64_t who = 0;
    std::int64_t last_ns = 0;  // the last try
    std::int64_t next_ns = 0;  // not before
    int failures = 0;          // 0: the place is free
  };
  static constexpr std::size_t kWays = 8;

  // Under the lock. Null if the name is not held.
  Entry* find(std::uint64_t name);
  Entry& place_for(std::uint64_t name, std::int64_t now_ns);

  const std::string hash_key_;
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace vodlift
