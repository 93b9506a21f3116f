#include "legacy/call_metrics.h"

#include <algorithm>

#include "legacy/command.h"

namespace vodlift::legacy {

CallMetrics::Row& CallMetrics::row_of(std::string_view command) {
  const auto all = commands();
  const auto at = std::ranges::find(all, command, &Command::name) - all.begin();
  const bool known = static_cast<std::size_t>(at) < std::min(all.size(), kCommands - 1);
  return known ? rows_[static_cast<std::size_t>(at)] : rows_.back();
}

void CallMetrics::answered(std::string_view command, std::optional<Errc> failure,
                           std::chrono::nanoseconds took) noexcept {
  Row& row = row_of(command);
  if (failure) {
    row.failures[static_cast<std::size_t>(*failure) % kCodes].add();
  } else {
    row.successes.add();
  }
  row.seconds.observe(std::chrono::duration<double>(took).count());
}

void CallMetrics::write(MetricsText& text) const {
  const auto all = commands();
  const auto each_row = [&](const auto& show) {
    for (std::size_t at = 0; at < std::min(all.size(), kCommands - 1); ++at) show(all[at].name, rows_[at]);
    show(std::string_view("none"), rows_.back());
  };
  text.counter("vodlift_api_calls_total",
               "Answered calls of the legacy API, by command and outcome; none: a request without a known command.");
  each_row([&](std::string_view command, const Row& row) {
    text.sample(row.successes.value(), {{"command", command}, {"outcome", "success"}});
    for (std::size_t code = 0; code < kCodes; ++code) {
      const std::int64_t count = row.failures[code].value();
      if (count > 0) text.sample(count, {{"command", command}, {"outcome", info(static_cast<Errc>(code)).name}});
    }
  });
  text.histogram("vodlift_api_call_duration_seconds", "Time from the header of a request to its answer.");
  each_row([&](std::string_view command, const Row& row) { text.sample(row.seconds, {{"command", command}}); });
}

}  // namespace vodlift::legacy
