// What is counted of the calls to the legacy API.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/metrics.h"

namespace vodlift::legacy {

// By command and the code of the answer. Any thread.
class CallMetrics {
 public:
  // `command`: of the table; empty: the request has none that is known. `failure`: nothing: it succeeded.
  void answered(std::string_view command, std::optional<Errc> failure, std::chrono::nanoseconds took) noexcept;

  void write(MetricsText& text) const;

 private:
  static constexpr std::size_t kCommands = 24;  // more than there are
  static constexpr std::size_t kCodes = 128;    // likewise
  struct Row {
    std::array<Counter, kCodes> failures;
    Counter successes;
    Histogram seconds;
  };

  Row& row_of(std::string_view command);

  std::array<Row, kCommands> rows_;  // by the command's place in the table; the last: no command
};

}  // namespace vodlift::legacy
