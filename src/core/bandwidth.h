// Holds what is sent to the limits that are set.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/bandwidth_limit.h"

namespace vodlift {

// Whose bytes are sent, and from where.
struct BandwidthUse {
  AccountId account = 0;
  std::string bucket;
  std::string storage;
};

// Whoever sends asks before each chunk, and sends it when its time has come: in the order of asking, so that all who
// share a limit get on. A limit that was not used up saves nothing. Internally locked; never blocks.
class Bandwidth {
 public:
  using Steady = std::function<std::chrono::steady_clock::time_point()>;

  explicit Bandwidth(const Clock& clock, Steady steady = std::chrono::steady_clock::now)
      : clock_(clock), steady_(std::move(steady)) {}

  // These limits count from now on, none else. Their windows' time zones must exist; one that does not is UTC.
  void set(const std::vector<BandwidthLimit>& limits);

  struct Chunk {
    std::size_t bytes = 0;  // 1..wanted
    std::chrono::nanoseconds wait{0};
  };
  // What may be sent of `wanted` (>= 1) bytes, and when. It is used up with that, sent or not.
  Chunk next(const BandwidthUse& use, std::size_t wanted);

 private:
  struct Line {
    BandwidthLimit limit;
    TimeZone zone = TimeZone::utc();
    ByteRate rate;                                      // at `looked`
    std::chrono::steady_clock::time_point looked{};     // when the timetable was looked at
    std::chrono::steady_clock::time_point free_from{};  // all before is given away
  };

  void look_at_timetable(Line& line, std::chrono::steady_clock::time_point now) const;

  const Clock& clock_;
  const Steady steady_;
  std::atomic<bool> limited_{false};
  std::mutex mutex_;  // guards the rest
  std::map<BandwidthScope, Line> lines_;
};

}  // namespace vodlift
