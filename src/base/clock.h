// Time as the program sees it; injected so that tests can hold it still.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace vodlift {

// Wall-clock time, UTC, in whole milliseconds since 1970.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

inline std::int64_t to_unix_ms(WallTime time) { return time.time_since_epoch().count(); }
constexpr WallTime from_unix_ms(std::int64_t unix_ms) { return WallTime(std::chrono::milliseconds(unix_ms)); }
inline std::int64_t to_unix_seconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

// Where the time comes from. Safe to call from any thread.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  [[nodiscard]] virtual WallTime now() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
};

// A moment of this process's monotonic clock, for deadlines and durations. It means nothing in another process, so it
// is never stored.
using SteadyTime = std::chrono::steady_clock::time_point;

// Where such moments come from; std::chrono::steady_clock::now outside of tests. Safe to call from any thread.
using SteadyClock = std::function<SteadyTime()>;

}  // namespace vodlift
