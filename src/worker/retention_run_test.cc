#include "worker/retention_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/temporary_folder_test.h"
#include "worker/fakes_test.h"

namespace vodlift::worker {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

class RetentionRunTest : public testing::Test {
 protected:
  UploadId end(UploadState state = UploadState::completed) {
    const UploadId id = stores_.insert();
    UploadEnding ending;
    ending.state = state;
    ending.size = 1000;
    if (state == UploadState::failed) ending.error = UploadError{Errc::s3_access_denied, "403", false};
    EXPECT_TRUE(stores_.finish(stores_.claim(id).lease, ending));
    return id;
  }

  RetentionRun& run() {
    if (!run_) run_.emplace(stores_.node.retention, stores_.clock, options_, [this] { return uptime_; });
    return *run_;
  }
  // The ids that are left after a round.
  std::vector<UploadId> left_after(milliseconds passes) {
    run();
    stores_.clock.pass(passes);
    uptime_ += passes;
    run().round();
    return left();
  }
  std::vector<UploadId> left() {
    std::vector<UploadId> ids;
    for (const Upload& one : stores_.database.all_uploads()) ids.push_back(one.id);
    return ids;
  }

  std::vector<std::string> archived(const std::string& file) {
    std::ifstream lines(folder_.path() / "archive" / file);
    std::vector<std::string> read;
    for (std::string line; std::getline(lines, line);) read.push_back(line);
    return read;
  }

  TemporaryFolder folder_;
  Stores stores_;
  RetentionOptions options_{days(30), days(90), days(0), {}, milliseconds(0)};
  milliseconds uptime_{0};
  std::optional<RetentionRun> run_;
};

TEST_F(RetentionRunTest, EachStateHasItsTime) {
  end();
  const UploadId failed = end(UploadState::failed);
  const UploadId cancelled = end(UploadState::cancelled);
  EXPECT_EQ(left_after(days(30) - milliseconds(1)).size(), 3U);
  EXPECT_THAT(left_after(milliseconds(1)), ElementsAre(failed, cancelled));
  EXPECT_THAT(left_after(days(60)), ElementsAre(cancelled)) << "kept for ever";
  EXPECT_THAT(left_after(days(3000)), ElementsAre(cancelled));
  MetricsText text;
  run().metrics().write(text);
  const std::string page = text.take();
  EXPECT_THAT(page, HasSubstr("vodlift_uploads_removed_total{state=\"completed\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("vodlift_uploads_removed_total{state=\"cancelled\"} 0\n"));
  EXPECT_THAT(page, testing::Not(HasSubstr("queued")));
}

TEST_F(RetentionRunTest, NothingGoesWhileARequestMayBeRepeated) {
  options_.completed = days(1);
  const UploadId id = end();
  EXPECT_THAT(left_after(kLongestRepeat - milliseconds(1)), ElementsAre(id));
  EXPECT_TRUE(left_after(milliseconds(1)).empty());
}

TEST_F(RetentionRunTest, WhatWaitsForACallbackIsSteppedOver) {
  UploadRequest request;
  request.bucket = "b";
  request.path = "sestore1/a/b.mp4";
  request.destination_path = "film";
  request.callback = "http://www.example.com/done";
  std::vector<UploadId> waiting;
  for (int i = 0; i < RetentionRun::kStep + 1; ++i) {
    request.destination_path = "film" + std::to_string(i);
    waiting.push_back(stores_.insert(request, 1000));
    UploadEnding ending;
    ending.state = UploadState::completed;
    ending.size = 1000;
    ASSERT_TRUE(stores_.finish(stores_.claim(waiting.back()).lease, ending));
  }
  end();
  EXPECT_EQ(left_after(days(30)), waiting);
}

TEST_F(RetentionRunTest, ManyStepsMakeARound) {
  for (int i = 0; i < 2 * RetentionRun::kStep + 1; ++i) end();
  EXPECT_TRUE(left_after(days(30)).empty());
}

TEST_F(RetentionRunTest, AClockThatWasSetIsNotTrustedForAnHour) {
  const UploadId id = end();
  run();
  stores_.clock.pass(days(31));
  EXPECT_THAT(left_after(milliseconds(0)), ElementsAre(id)) << "it was set";
  EXPECT_THAT(left_after(hours(1) - milliseconds(1)), ElementsAre(id));
  stores_.clock.pass(-days(31));
  EXPECT_THAT(left_after(hours(1)), ElementsAre(id)) << "it was set back";
  EXPECT_THAT(left_after(hours(2)), ElementsAre(id));
  EXPECT_TRUE(left_after(days(30)).empty());
}

TEST_F(RetentionRunTest, TheArchiveHasALineForEach) {
  options_.archive = folder_.path() / "archive";
  const UploadId first = end();
  const UploadId second = end();
  stores_.clock.pass(days(31));
  const UploadId third = end(UploadState::failed);
  left_after(days(30));
  EXPECT_THAT(left(), ElementsAre(third));
  const auto lines = archived("uploads-2023-11.jsonl");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], HasSubstr("\"id\":" + std::to_string(first) + ","));
  EXPECT_THAT(lines[1], HasSubstr("\"id\":" + std::to_string(second) + ","));
  EXPECT_THAT(lines[0], HasSubstr("\"cdn\":158"));
  left_after(days(90));
  ASSERT_EQ(archived("uploads-2023-12.jsonl").size(), 1U);
  EXPECT_THAT(archived("uploads-2023-12.jsonl")[0], HasSubstr("\"code\":\"s3_access_denied\""));
  struct stat found {};
  ASSERT_EQ(::stat((options_.archive / "uploads-2023-11.jsonl").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
}

TEST_F(RetentionRunTest, ALineThatACrashHasCutEndsThere) {
  options_.archive = folder_.path() / "archive";
  std::filesystem::create_directory(options_.archive);
  std::ofstream(options_.archive / "uploads-2023-11.jsonl") << R"({"id":1,"sta)";
  end();
  left_after(days(30));
  const auto lines = archived("uploads-2023-11.jsonl");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], R"({"id":1,"sta)");
  EXPECT_THAT(lines[1], testing::StartsWith(R"({"id":1,"state":"completed")"));
}

TEST_F(RetentionRunTest, NothingIsRemovedThatTheArchiveCannotTake) {
  options_.archive = folder_.path() / "archive";
  std::ofstream(options_.archive) << "a file";
  const UploadId id = end();
  EXPECT_THAT(left_after(days(31)), ElementsAre(id));
  std::filesystem::remove(options_.archive);
  EXPECT_TRUE(left_after(hours(1)).empty()) << "the next round tries again";
  EXPECT_EQ(archived("uploads-2023-11.jsonl").size(), 1U);
}

TEST_F(RetentionRunTest, StopsAtOnce) {
  end();
  run().start();
  const auto begun = std::chrono::steady_clock::now();
  run().stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
}

TEST_F(RetentionRunTest, OtherTimesCountFromTheNextRoundOn) {
  const UploadId id = end();
  EXPECT_THAT(left_after(days(10)), ElementsAre(id));
  options_.completed = days(9);
  options_.archive = folder_.path() / "archive";
  run().use(options_);
  EXPECT_TRUE(left_after(milliseconds(0)).empty());
  EXPECT_FALSE(std::filesystem::is_empty(options_.archive));
}

}  // namespace
}  // namespace vodlift::worker
