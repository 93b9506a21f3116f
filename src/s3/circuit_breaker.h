// Stops requests to something that fails, and lets one at a time try whether it works again.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/clock.h"

namespace vodlift::s3 {

// How much one failure says about the whole.
enum class Evidence {
  of_one,  // only about what was asked: others must fail too before the breaker opens
  of_all,  // whatever was asked would have failed; it may have been bad luck
  proof,   // nothing can succeed now: the breaker opens at once
};

// The state of one endpoint, bucket or key. Not locked. Callers give numbers (hashes) for what they asked: `what` is
// what failed, as an object of a bucket; `who` takes turns with others in trying, as an account.
class CircuitBreaker {
 public:
  struct Limits {
    int failures = 16;  // in a row, until it opens; at least a quarter of them of others than the first
    // The first request that tries is let through after `first_pause`, each later one after twice the last pause.
    std::chrono::milliseconds first_pause{5000};
    std::chrono::milliseconds longest_pause{60000};
  };
  // So many of those who tried in vain are remembered. They try again once everybody else who waits has tried.
  static constexpr std::size_t kMaxTried = 64;

  // Requests are refused, but for one at a time that tries.
  [[nodiscard]] bool is_open() const { return pause_.count() > 0; }
  [[nodiscard]] int failures() const { return failures_; }
  [[nodiscard]] std::chrono::milliseconds pause() const { return pause_; }
  // Since when it is open.
  [[nodiscard]] SteadyTime opened() const { return opened_; }
  [[nodiscard]] bool probing() const { return prober_.has_value(); }

  // Whether a request of `who` may go now. One that is refused is remembered as waiting.
  bool admits(std::size_t who, SteadyTime now);
  // A request that was admitted goes. While the breaker is open, it is the one that tries.
  void begin(std::size_t who);

  // How a request ended. succeeded() answers whether it closed an open breaker, failed() whether it opened a closed
  // one, and so does looked(). said_nothing(): the request was not sent, or its end says nothing of what the breaker
  // guards.
  bool succeeded();
  bool failed(std::size_t what, std::size_t who, Evidence evidence, const Limits& limits, SteadyTime now);
  void said_nothing(std::size_t who);
  // A request that only reads was answered. That ends a row of requests without an answer as success does. It says
  // nothing where the last failure was an answer: what is read may work while nothing can be written.
  bool looked(std::size_t who);

  // When a request that is refused now should be made again. Each refusal since the last try is given a later time, so
  // that a long queue does not come back at one moment.
  [[nodiscard]] std::chrono::milliseconds again_in(SteadyTime now) const;

 private:
  [[nodiscard]] bool has_tried(std::size_t who) const { return std::ranges::find(tried_, who) != tried_.end(); }

  int failures_ = 0;                   // in a row
  int of_all_ = 0;                     // the last of them, in a row, that were Evidence::of_all
  std::optional<std::size_t> first_;   // what failed first in the row
  int of_first_ = 0;                   // failures of it
  std::chrono::milliseconds pause_{};  // 0: closed
  SteadyTime opened_;
  SteadyTime next_try_;
  std::optional<std::size_t> prober_;
  std::vector<std::size_t> tried_;  // in vain, since it opened; kMaxTried at most
  bool others_wait_ = false;        // somebody who has not tried was refused since the last try
  int refused_ = 0;                 // since the last try
};

}  // namespace vodlift::s3
