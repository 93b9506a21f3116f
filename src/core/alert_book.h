// Which alerts are open, and when somebody is told of them.
#pragma once

#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "core/alert.h"

namespace vodlift {

// The rules, in the time of a steady clock; wall times are only passed on.
//
// An alert is told when its cause has been there for kSettle, again each `repeat` while it lasts, and as resolved when
// it has been away for kGone. One alert is told as resolved once in kHour at most. While that hour lasts, a cause that
// comes back is told at once, but then stays open, whatever it does. So an alert that flaps gives a pair an hour and
// one message more at most, and the last that was told of it is never "resolved" while it is there.
//
// All alerts together give kMostAnHour messages in an hour at most. The last of these stands for all that were held
// back: "and 12 more".
//
// One thread.
class AlertBook {
 public:
  static constexpr std::chrono::seconds kSettle{3};
  static constexpr std::chrono::seconds kGone{15};
  static constexpr std::chrono::minutes kHour{60};
  static constexpr std::size_t kMostAnHour = 20;
  static constexpr std::chrono::seconds kGather{60};  // so long others are waited for that belong to "and 12 more"
  // After a start, what was open before is not resolved for so long: much is known of a store only when it was asked.
  static constexpr std::chrono::minutes kAfterStart{5};
  static constexpr std::size_t kMostAlerts = 200;

  explicit AlertBook(std::chrono::seconds repeat) : repeat_(repeat) {}

  void set_repeat(std::chrono::seconds repeat) { repeat_ = repeat; }

  // What is to be told now. `causes`: all that there are. Without `complete`, those that are missing may still be
  // there.
  std::vector<AlertMessage> look(std::span<const AlertCause> causes, bool complete, SteadyTime now, WallTime wall);

  // Those that were told and not resolved, and those that wait for that, by key.
  [[nodiscard]] std::vector<OpenAlert> open() const;

  // What must be known after a restart, as JSON. It changes when somebody is told.
  [[nodiscard]] std::string save(SteadyTime now, WallTime wall) const;
  // Takes what save() gave. Text that it did not give is taken as nothing. Call it before the first look.
  void restore(std::string_view saved, SteadyTime now, WallTime wall);

 private:
  struct Entry {
    AlertCause cause;
    WallTime opened{};
    bool there = false;
    SteadyTime changed{};  // since when it is there, or away
    bool told = false;
    SteadyTime last_told{};
    std::optional<SteadyTime> resolved{};
    bool restored = false;  // and not seen since
  };

  void saw(const AlertCause& cause, SteadyTime now, WallTime wall);
  std::optional<AlertState> due(Entry& entry, SteadyTime now) const;
  void hold_back(AlertState state, SteadyTime now);
  std::optional<AlertMessage> told_of_more(SteadyTime now);
  [[nodiscard]] std::size_t messages_in_hour(SteadyTime now);

  std::chrono::seconds repeat_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::deque<SteadyTime> messages_;  // of the last hour
  std::map<AlertState, int> held_back_;
  SteadyTime held_since_{};
  SteadyTime trust_absence_{};  // from then on, also of those that were restored
};

}  // namespace vodlift
