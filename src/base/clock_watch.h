// Notices that the wall clock was set, by a clock that cannot be set.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "base/clock.h"

namespace vodlift {

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
