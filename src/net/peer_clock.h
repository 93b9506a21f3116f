// How long the other side of a request has made us wait. The time in which we have nothing to send does not count.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace vodlift::net {

// A request that moves fewer bytes than this in a second stands still.
inline constexpr std::int64_t kStalledBytesPerSecond = 1024;

// One thread.
class PeerClock {
 public:
  // Both count the other side's time only; 0: no limit.
  struct Limits {
    std::chrono::milliseconds stall{0};  // in which the request stands still
    std::chrono::milliseconds total{0};
  };
  enum class Verdict { fine, stalled, too_slow };

  explicit PeerClock(Limits limits) : limits_(limits) {}

  // The request has moved `bytes` so far, in both directions. The clock starts with the first look. A look that comes
  // late, because this process was held up, counts 2 s at most.
  Verdict look(SteadyTime now, std::int64_t bytes);
  // From now on we have nothing to send, or something again.
  void hold(SteadyTime now);
  void go_on(SteadyTime now);

 private:
  void add_time(SteadyTime now);

  const Limits limits_;
  std::optional<SteadyTime> last_;
  bool held_ = false;
  std::chrono::nanoseconds total_{0};
  std::chrono::nanoseconds still_{0};  // the last slices in a row in which too little moved
  std::chrono::nanoseconds slice_{0};  // of the slice that is measured
  std::int64_t slice_from_ = 0;        // bytes when it began
};

}  // namespace vodlift::net
