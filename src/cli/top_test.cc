#include "cli/top.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vodlift::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

boost::json::array counts() {
  return {{{"cdn", 1}, {"state", "completed"}, {"uploads", 5}},
          {{"cdn", 1}, {"state", "queued"}, {"uploads", 12}},
          {{"cdn", 2}, {"state", "queued"}, {"uploads", 1}},
          {{"cdn", 2}, {"state", "uploading"}, {"uploads", 1}}};
}

boost::json::object running(std::int64_t id, std::int64_t sent) {
  return {{"id", id},     {"state", "uploading"}, {"destination_path", "films/a.mp4"},
          {"size", 1000}, {"bytes_sent", sent},   {"percent", sent / 10}};
}

TEST(Totals, SayWhatRunsFirst) {
  EXPECT_EQ(totals(counts()), "1 uploading, 13 queued, 5 completed");
  EXPECT_EQ(totals({}), "");
}

TEST(TopView, ShowsTheRateOfAllAndALineForEachThatRuns) {
  TopView view;
  const MonotonicTime begin{};
  EXPECT_EQ(view.frame({}, {}, begin, 24, 80), "no uploads\n\n");
  const std::string first = view.frame(counts(), {running(7, 0), running(8, 0)}, begin, 24, 80);
  EXPECT_THAT(first, StartsWith("\x1b[2A\r\x1b[J1 uploading, 13 queued, 5 completed\n\n7 a.mp4"));
  const std::string second =
      view.frame(counts(), {running(7, 200), running(8, 300)}, begin + std::chrono::seconds(5), 24, 80);
  EXPECT_THAT(second, StartsWith("\x1b[4A\r\x1b[J1 uploading, 13 queued, 5 completed; 100 B/s\n\n7 a.mp4"));
  EXPECT_THAT(second, HasSubstr("\n8 a.mp4"));
}

TEST(TopView, StaysOnTheScreen) {
  TopView view;
  boost::json::array many;
  for (int id = 1; id <= 30; ++id) many.push_back(running(id, 0));
  const std::string frame = view.frame(counts(), many, MonotonicTime(), 10, 40);
  EXPECT_EQ(std::ranges::count(frame, '\n'), 9);
  EXPECT_THAT(frame, HasSubstr("… and 24 more\n"));
}

}  // namespace
}  // namespace vodlift::cli
