// Delivers alerts: for each receiver a short queue, with repeats of what failed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alert/receiver.h"
#include "base/clock.h"

namespace vodlift::alert {

// Messages reach a receiver one after the other, in their order. What fails is tried again after kDelays, for kGiveUp
// at most; meanwhile those behind it wait. More than kMostWaiting are not kept: the oldest goes. Receivers do not wait
// for one another. Failures are logged: the first of a row, and what is given up.
//
// Internally locked.
class AlertPost {
 public:
  static constexpr std::size_t kMostWaiting = 50;
  static constexpr std::chrono::minutes kGiveUp{60};

  // `woken` is called, on any thread, when run() has something to do. `clock` must outlive the post.
  AlertPost(std::vector<std::unique_ptr<Receiver>> receivers, const Clock& clock, SteadyClock steady,
            const std::function<void()>& woken);

  void add(const AlertMessage& message);

  // Begins the tries that are due; does not wait for them. Answers when the next one is due; nothing: none waits.
  std::optional<SteadyTime> run();

  [[nodiscard]] std::vector<AlertReceiver> receivers() const;

  // Has the tries end soon that are under way at programs.
  void stop();

  // Sends it to each receiver at once, past the queues, and waits for all answers, `limit` at most.
  std::vector<AlertAnswer> test(const AlertMessage& message, std::chrono::milliseconds limit);

 private:
  struct Line;
  void begin(Line& line, SteadyTime now);

  const SteadyClock steady_;
  // Answers reach lines, never receivers: a receiver does not go on a thread of its own.
  std::vector<std::shared_ptr<Line>> lines_;  // each locked by itself
  const std::vector<std::unique_ptr<Receiver>> receivers_;
};

}  // namespace vodlift::alert
