#include "alert/alert_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "base/temporary_folder_test.h"
#include "base/text.h"

namespace vodlift::alert {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SetClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return time; }
  // 2026-11-24 06:30 UTC
  WallTime time = from_unix_ms(1'795'501'800'000);
};

// The receiver is a program that writes what it is told into a file.
class AlertWatchTest : public testing::Test {
 protected:
  AlertWatchTest() { make(); }

  void make() {
    watch_ = std::make_unique<AlertWatch>(
        AlertWatch::Ports{[this](const Thresholds&) { return found_; },
                          [] {
                            return Day{"The last 24 hours: nothing.", "", {{"completed", 0}}};
                          },
                          clock_, [this] { return now_; }, folder_.path() / "state"},
        options());
  }
  [[nodiscard]] Options options() const {
    Options options;
    options.command = {"/bin/sh", "-c", "echo \"$VODLIFT_ALERT_STATE $VODLIFT_ALERT_CODE\" >> " + file()};
    options.digest_minute = 7 * 60;
    options.server = "host";
    return options;
  }
  [[nodiscard]] std::string file() const { return (folder_.path() / "told").string(); }

  void pass(seconds time) {
    for (const SteadyTime end = now_ + time; now_ < end; now_ += AlertWatch::kLook, clock_.time += AlertWatch::kLook) {
      watch_->look();
    }
  }
  // All that was told; waits until so many messages were.
  std::vector<std::string> told(std::size_t messages) {
    std::vector<std::string> lines;
    for (int round = 0; round < 1000; ++round) {
      lines.clear();
      std::ifstream in(file());
      for (std::string line; std::getline(in, line);) lines.push_back(line);
      if (lines.size() >= messages) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      watch_->look();
    }
    return lines;
  }

  const TemporaryFolder folder_;
  SetClock clock_;
  SteadyTime now_{hours(1000)};
  Findings found_;
  std::unique_ptr<AlertWatch> watch_;
};

AlertCause gone() {
  return {.key = "storage_gone-1", .code = "storage_gone", .severity = "critical", .title = "Gone."};
}

TEST_F(AlertWatchTest, TellsAndResolvesAndLists) {
  found_.causes = {gone()};
  pass(seconds(12));
  EXPECT_EQ(watch_->open().size(), 1U);
  EXPECT_THAT(told(1), ElementsAre("first storage_gone"));
  found_.causes.clear();
  pass(seconds(30));
  EXPECT_THAT(told(2), ElementsAre("first storage_gone", "resolved storage_gone"));
  EXPECT_THAT(watch_->open(), IsEmpty());
}

TEST_F(AlertWatchTest, TheDigestComesOnceADayAlsoWhenNothingHappened) {
  pass(minutes(29));
  EXPECT_THAT(told(0), IsEmpty());
  pass(minutes(2));
  EXPECT_THAT(told(1), ElementsAre("digest digest"));
  pass(hours(23));
  EXPECT_EQ(told(1).size(), 1U);
  pass(hours(1));
  EXPECT_EQ(told(2).size(), 2U);
  clock_.time -= minutes(31);
  pass(hours(1));
  EXPECT_EQ(told(2).size(), 2U) << "a clock that was set back makes no second one";
}

TEST_F(AlertWatchTest, ADigestThatIsTooLateIsLeftOut) {
  clock_.time += minutes(95);
  pass(hours(1));
  EXPECT_THAT(told(0), IsEmpty());
}

TEST_F(AlertWatchTest, ARestartTellsNothingTwice) {
  found_.causes = {gone()};
  pass(minutes(31));
  EXPECT_THAT(told(2), ElementsAre("first storage_gone", "digest digest"));
  make();
  watch_->restore();
  EXPECT_EQ(watch_->open().size(), 1U);
  pass(minutes(10));
  EXPECT_EQ(told(2).size(), 2U);
}

TEST_F(AlertWatchTest, WhatHasHappenedLastsAWhile) {
  watch_->note({.key = "clock_stepped", .code = "clock_stepped", .severity = "warning", .title = "Set."}, minutes(10));
  pass(minutes(5));
  EXPECT_THAT(told(1), ElementsAre("first clock_stepped"));
  pass(minutes(6));
  EXPECT_THAT(told(2), ElementsAre("first clock_stepped", "resolved clock_stepped"));
}

TEST_F(AlertWatchTest, WithoutReceiversNothingIsOpen) {
  found_.causes = {gone()};
  pass(seconds(12));
  watch_->use({});
  EXPECT_THAT(watch_->open(), IsEmpty());
  EXPECT_THAT(watch_->receivers(), IsEmpty());
  EXPECT_THAT(watch_->test(), IsEmpty());
}

TEST_F(AlertWatchTest, ATestReachesEveryReceiverAndTellsWhatItAnswers) {
  Options more = options();
  more.webhooks = {"http://127.0.0.1:1/secret-path"};
  watch_->use(more);
  const auto answers = watch_->test();
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].receiver, "127.0.0.1:1");
  EXPECT_FALSE(answers[0].delivered);
  EXPECT_THAT(answers[0].text, testing::Not(HasSubstr("secret-path")));
  EXPECT_TRUE(answers[1].delivered) << answers[1].text;
  EXPECT_THAT(told(1), ElementsAre("test test"));
}

}  // namespace
}  // namespace vodlift::alert
