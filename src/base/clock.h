// Time as the program sees it; injected so that tests can hold it still. Notices when the wall clock is set.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

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

// The time since the machine was started, its sleep included (CLOCK_BOOTTIME).
std::chrono::milliseconds since_boot();

// One thread. The wall clock must outlive it.
class ClockWatch {
 public:
  using Uptime = std::function<std::chrono::milliseconds()>;
  // Corrections by time synchronisation, and leap seconds, stay below this.
  static constexpr std::chrono::milliseconds kStep{30'000};

  explicit ClockWatch(const Clock& wall, Uptime uptime = since_boot);

  // How far the wall clock was set since the last step that was reported, or since the beginning; negative: it was set
  // back. Nothing while that is less than kStep.
  std::optional<std::chrono::milliseconds> look();

  // How long ago, at the last look, the last step was seen; without any, how long this exists.
  [[nodiscard]] std::chrono::milliseconds steady_for() const { return looked_ - steady_since_; }

 private:
  [[nodiscard]] std::chrono::milliseconds ahead() const;

  const Clock& wall_;
  const Uptime uptime_;
  std::chrono::milliseconds looked_;
  std::chrono::milliseconds steady_since_;
  std::chrono::milliseconds ahead_;  // of the uptime, when the wall clock was last taken as right
};

}  // namespace vodlift
