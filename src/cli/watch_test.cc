#include "cli/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::array;
using boost::json::object;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr std::int64_t kMiB = 1024 * 1024;

object upload(std::int64_t id, const char* state, std::int64_t sent, std::int64_t percent) {
  return {{"id", id},
          {"state", state},
          {"destination_path", "films/film.mp4"},
          {"size", 100 * kMiB},
          {"bytes_sent", sent},
          {"percent", percent},
          {"attempts", 1},
          {"started", 1000},
          {"finished", nullptr},
          {"next_attempt", nullptr},
          {"error", nullptr}};
}

MonotonicTime at(int milliseconds) { return MonotonicTime(std::chrono::milliseconds(milliseconds)); }

TEST(RateMeter, KnowsNothingAtFirst) {
  RateMeter meter;
  EXPECT_EQ(meter.rate(), 0);
  meter.add(at(0), 100);
  EXPECT_EQ(meter.rate(), 0);
  meter.add(at(100), 200);
  EXPECT_EQ(meter.rate(), 0);
  meter.add(at(1000), 1100);
  EXPECT_DOUBLE_EQ(meter.rate(), 1000);
}

TEST(RateMeter, ForgetsWhatIsOlderThanItsWindow) {
  RateMeter meter;
  for (int second = 0; second <= 10; ++second) meter.add(at(second * 1000), 0);
  for (int second = 11; second <= 30; ++second) meter.add(at(second * 1000), (second - 10) * 500);
  EXPECT_DOUBLE_EQ(meter.rate(), 500);
}

TEST(RateMeter, StartsOverWhenTheCounterFalls) {
  RateMeter meter;
  meter.add(at(0), 0);
  meter.add(at(1000), 5000);
  meter.add(at(2000), 100);
  EXPECT_EQ(meter.rate(), 0);
}

TEST(ProgressLine, ShowsBarRateAndTimeLeft) {
  const UploadView view = view_of(upload(12, "uploading", 25 * kMiB, 25));
  EXPECT_EQ(progress_line(view, 5.0 * kMiB, 0, 120),
            "12 film.mp4 [=======>                      ]  25%  25.0 MiB of 100.0 MiB  5.0 MiB/s  0:15 left");
  EXPECT_EQ(progress_line(view, 0, 0, 120), "12 film.mp4 [=======>                      ]  25%  25.0 MiB of 100.0 MiB");
}

TEST(ProgressLine, FitsAnyTerminal) {
  UploadView view = view_of(upload(12, "uploading", 25 * kMiB, 25));
  view.destination_path = "äöü-ein-sehr-langer-name-der-nirgends-passt.mp4";
  for (std::size_t columns = 1; columns < 130; ++columns) {
    EXPECT_LE(width_of(progress_line(view, 5.0 * kMiB, 0, columns)), columns);
  }
}

TEST(ProgressLine, TellsWhatAWaitingUploadWaitsFor) {
  object waiting = upload(12, "queued", 0, 0);
  waiting["next_attempt"] = 1030;
  waiting["error"] = object{{"code", "s3_throttled"}, {"message", "503 SlowDown"}, {"retryable", true}};
  EXPECT_EQ(progress_line(view_of(waiting), 0, 1000, 120), "12 film.mp4 queued, attempt 2 in 0:30: 503 SlowDown");
  for (const char* uncounted : {"source_busy", "source_changed"}) {
    waiting["error"] = object{{"code", uncounted}, {"message", "it is written to"}, {"retryable", true}};
    EXPECT_EQ(progress_line(view_of(waiting), 0, 1000, 120),
              "12 film.mp4 queued, looks again in 0:30: it is written to");
    EXPECT_THAT(plain_line(view_of(waiting)), testing::StartsWith("12 queued, looks again at "));
  }
}

TEST(ProgressLine, TellsHowItEnded) {
  object ended = upload(12, "completed", 100 * kMiB, 100);
  ended["finished"] = 1020;
  EXPECT_EQ(progress_line(view_of(ended), 0, 0, 120), "12 film.mp4 completed, 100.0 MiB in 0:20, 5.0 MiB/s");
  ended["state"] = "failed";
  ended["error"] = object{{"code", "s3_access_denied"}, {"message", "403 AccessDenied"}, {"retryable", false}};
  EXPECT_EQ(plain_line(view_of(ended)), "12 failed: s3_access_denied: 403 AccessDenied");
}

TEST(ProgressLine, TheTimeLeftIsNeverCutAway) {
  UploadView upload;
  upload.id = 123456;
  upload.state = "uploading";
  upload.destination_path = "season 1/a-very-long-name-of-a-film-that-nobody-can-remember.mp4";
  upload.size = std::int64_t{200} << 30;
  upload.bytes_sent = std::int64_t{111} << 30;
  upload.percent = 55;
  for (std::size_t columns = 44; columns <= 160; ++columns) {
    const std::string line = progress_line(upload, 9.5 * (1 << 20), 0, columns);
    EXPECT_LE(width_of(line), columns) << line;
    EXPECT_TRUE(line.ends_with("2:39:53 left")) << line;
  }
}

TEST(WatchView, PlainWritesOnlyChanges) {
  WatchView view(WatchView::Style::plain);
  EXPECT_EQ(view.update({upload(1, "queued", 0, 0)}, at(0), 0, 0, 0), "1 queued\n");
  EXPECT_EQ(view.update({upload(1, "queued", 0, 0)}, at(250), 0, 0, 0), "");
  EXPECT_EQ(view.update({upload(1, "uploading", 8 * kMiB, 8)}, at(500), 0, 0, 0),
            "1 uploading 8%, 8.0 MiB of 100.0 MiB\n");
  EXPECT_EQ(view.update({upload(1, "uploading", 8 * kMiB, 8)}, at(750), 0, 0, 0), "");
}

TEST(WatchView, JsonWritesWholeObjectsOnChanges) {
  WatchView view(WatchView::Style::json);
  object first = upload(1, "queued", 0, 0);
  EXPECT_THAT(view.update({first}, at(0), 0, 0, 0), HasSubstr(R"("state":"queued")"));
  first["eta_seconds"] = 5;
  EXPECT_EQ(view.update({first}, at(250), 0, 0, 0), "");
}

TEST(WatchView, TerminalDrawsOverItsLinesAndKeepsTheEnd) {
  WatchView view(WatchView::Style::terminal);
  const std::string first = view.update({upload(1, "queued", 0, 0), upload(2, "queued", 0, 0)}, at(0), 0, 24, 80);
  EXPECT_EQ(first, "1 film.mp4 queued\n2 film.mp4 queued\n");
  const std::string second =
      view.update({upload(1, "completed", 100 * kMiB, 100), upload(2, "queued", 0, 0)}, at(250), 0, 24, 80);
  EXPECT_EQ(second, "\x1b[2A\r\x1b[J1 film.mp4 completed, 100.0 MiB\n2 film.mp4 queued\n");
  const std::string third =
      view.update({upload(1, "completed", 100 * kMiB, 100), upload(2, "queued", 0, 0)}, at(500), 0, 24, 80);
  EXPECT_EQ(third, "\x1b[1A\r\x1b[J2 film.mp4 queued\n");
}

TEST(WatchView, TerminalNeverDrawsMoreThanFits) {
  WatchView view(WatchView::Style::terminal);
  array many;
  for (int id = 1; id <= 50; ++id) many.push_back(upload(id, "queued", 0, 0));
  const std::string text = view.update(many, at(0), 0, 12, 80);
  EXPECT_EQ(std::ranges::count(text, '\n'), 10);
  EXPECT_THAT(text, HasSubstr("… and 41 more"));
}

}  // namespace
}  // namespace vodlift::cli
