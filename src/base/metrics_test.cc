#include "base/metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

namespace vodlift {
namespace {

TEST(Metrics, AreWrittenWithTheirLabels) {
  MetricsText text;
  text.gauge("vodlift_build_info", "The program.");
  text.sample(std::int64_t{1}, {{"version", "1.2"}, {"commit", "abc"}});
  text.counter("vodlift_calls_total", "Calls.", 7);
  EXPECT_EQ(text.take(),
            "# HELP vodlift_build_info The program.\n# TYPE vodlift_build_info gauge\n"
            "vodlift_build_info{version=\"1.2\",commit=\"abc\"} 1\n"
            "# HELP vodlift_calls_total Calls.\n# TYPE vodlift_calls_total counter\nvodlift_calls_total 7\n");
}

TEST(Metrics, ALabelStaysWithinItsQuotes) {
  MetricsText text;
  text.gauge("vodlift_up", "Up.");
  text.sample(std::int64_t{1}, {{"endpoint", "a\"b\\c\n} 9\nfake 1"}});
  const std::string written = text.take();
  EXPECT_EQ(std::ranges::count(written, '\n'), 3) << written;
  EXPECT_NE(written.find(R"(endpoint="a\"b\\c)"), std::string::npos) << written;
}

TEST(Metrics, AHistogramCountsWhatIsNotAboveEachBound) {
  constexpr std::array kBounds = {1.0, 2.0};
  Histogram histogram(kBounds);
  for (const double value : {0.5, 1.0, 1.5, 9.0}) histogram.observe(value);
  MetricsText text;
  text.histogram("vodlift_wait_seconds", "Waits.");
  text.sample(histogram, {{"of", "x"}});
  EXPECT_EQ(text.take(),
            "# HELP vodlift_wait_seconds Waits.\n# TYPE vodlift_wait_seconds histogram\n"
            "vodlift_wait_seconds_bucket{of=\"x\",le=\"1\"} 2\nvodlift_wait_seconds_bucket{of=\"x\",le=\"2\"} 3\n"
            "vodlift_wait_seconds_bucket{of=\"x\",le=\"+Inf\"} 4\nvodlift_wait_seconds_sum{of=\"x\"} 12\n"
            "vodlift_wait_seconds_count{of=\"x\"} 4\n");
}

}  // namespace
}  // namespace vodlift
