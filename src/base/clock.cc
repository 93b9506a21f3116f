#include "base/clock.h"

#include <ctime>
#include <utility>

namespace vodlift {

using std::chrono::milliseconds;

milliseconds since_boot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::floor<milliseconds>(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

ClockWatch::ClockWatch(const Clock& wall, Uptime uptime)
    : wall_(wall), uptime_(std::move(uptime)), looked_(uptime_()), steady_since_(looked_), ahead_(ahead()) {}

milliseconds ClockWatch::ahead() const { return wall_.now().time_since_epoch() - looked_; }

std::optional<milliseconds> ClockWatch::look() {
  looked_ = uptime_();
  const milliseconds step = ahead() - ahead_;
  if (step > -kStep && step < kStep) return std::nullopt;
  ahead_ += step;
  steady_since_ = looked_;
  return step;
}

}  // namespace vodlift
