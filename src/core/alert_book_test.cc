#include "core/alert_book.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vodlift {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

AlertCause gone(const std::string& key = "storage_gone-1") {
  return {.key = key, .code = "storage_gone", .severity = "critical", .title = "Storage " + key + " is not available."};
}

// Looks each second for a time, and collects what is told.
class AlertBookTest : public testing::Test {
 protected:
  using Told = std::vector<std::string>;

  Told pass(seconds time, const std::vector<AlertCause>& causes, bool complete = true) {
    Told told;
    for (const SteadyTime end = now_ + time; now_ < end; now_ += seconds(1)) {
      for (const AlertMessage& one : book_.look(causes, complete, now_, wall())) {
        told.push_back(fmt::format("{} {}", kAlertStates.word(one.state), one.cause.key));
        titles_.push_back(one.cause.title);
      }
    }
    return told;
  }
  [[nodiscard]] WallTime wall() const {
    return WallTime(std::chrono::floor<std::chrono::milliseconds>(now_.time_since_epoch())) + hours(400000);
  }

  SteadyTime now_{hours(1000)};
  AlertBook book_{hours(4)};
  Told titles_;
};

TEST_F(AlertBookTest, TellsFirstThenRepeatsThenThatItIsResolved) {
  EXPECT_THAT(pass(seconds(60), {}), IsEmpty());
  EXPECT_THAT(pass(minutes(60), {gone()}), ElementsAre("first storage_gone-1"));
  EXPECT_THAT(pass(hours(8), {gone()}), ElementsAre("repeated storage_gone-1", "repeated storage_gone-1"));
  EXPECT_EQ(book_.open().size(), 1U);
  EXPECT_THAT(pass(seconds(60), {}), ElementsAre("resolved storage_gone-1"));
  EXPECT_THAT(book_.open(), IsEmpty());
  EXPECT_THAT(pass(hours(8), {}), IsEmpty());
}

TEST_F(AlertBookTest, WhatIsThereForAMomentIsNotTold) {
  for (int round = 0; round < 10; ++round) {
    EXPECT_THAT(pass(seconds(3), {gone()}), IsEmpty());
    EXPECT_THAT(pass(seconds(30), {}), IsEmpty());
  }
}

TEST_F(AlertBookTest, WhatFlapsGivesOnePairAnHourAndOneMessageMore) {
  Told told;
  for (int minute = 0; minute < 24 * 60; ++minute) {
    for (const auto& one : pass(seconds(30), {gone()})) told.push_back(one);
    for (const auto& one : pass(seconds(30), {})) told.push_back(one);
  }
  const auto firsts = std::ranges::count(told, "first storage_gone-1");
  const auto resolved = std::ranges::count(told, "resolved storage_gone-1");
  EXPECT_GE(resolved, 20) << "it is told that it goes on";
  EXPECT_LE(resolved, 24);
  EXPECT_LE(firsts, resolved + 1);
  EXPECT_GE(firsts, resolved) << "the last that was told is not that it is resolved";
}

TEST_F(AlertBookTest, WhatComesBackWithinTheHourIsToldAtOnce) {
  pass(seconds(60), {gone()});
  EXPECT_THAT(pass(seconds(60), {}), ElementsAre("resolved storage_gone-1"));
  EXPECT_THAT(pass(seconds(60), {gone()}), ElementsAre("first storage_gone-1"));
  EXPECT_THAT(pass(minutes(30), {}), IsEmpty()) << "not a second pair in this hour";
  EXPECT_EQ(book_.open().size(), 1U);
  EXPECT_THAT(pass(minutes(40), {}), ElementsAre("resolved storage_gone-1"));
}

TEST_F(AlertBookTest, ManyGiveAFixedNumberOfMessagesAnHour) {
  std::vector<AlertCause> causes;
  for (int number = 0; number < 31; ++number) causes.push_back(gone(fmt::format("s{:02}", number)));
  const Told told = pass(minutes(55), causes);
  EXPECT_EQ(told.size(), AlertBook::kMostAnHour);
  EXPECT_EQ(told.back(), "more more");
  EXPECT_EQ(titles_.back(), "And 12 more: 12 new.");
  EXPECT_EQ(book_.open().size(), 31U);
  // None in this hour any more; one for all in the next.
  EXPECT_THAT(pass(minutes(4), {}), IsEmpty());
  EXPECT_THAT(pass(minutes(10), {}), ElementsAre("more more"));
  EXPECT_EQ(titles_.back(), "And 31 more: 31 resolved.");
}

TEST_F(AlertBookTest, TheGravestAreToldFirst) {
  AlertCause light = gone("a");
  light.severity = "warning";
  EXPECT_THAT(pass(seconds(10), {light, gone("b")}), ElementsAre("first b", "first a"));
}

TEST_F(AlertBookTest, WhatMayStillBeThereIsNotResolved) {
  pass(seconds(10), {gone()});
  EXPECT_THAT(pass(hours(1), {}, false), IsEmpty());
}

TEST_F(AlertBookTest, ARestartTellsNothingTwice) {
  pass(hours(1), {gone("a"), gone("b")});
  AlertBook other(hours(4));
  other.restore(book_.save(now_, wall()), now_, wall());
  book_ = other;
  EXPECT_THAT(pass(minutes(4), {gone("a")}), IsEmpty());
  EXPECT_THAT(pass(minutes(4), {gone("a")}), ElementsAre("resolved b")) << "once it must have been seen again";
  EXPECT_THAT(pass(hours(3), {gone("a")}), ElementsAre("repeated a")) << "four hours after it was told";
  EXPECT_THAT(pass(minutes(1), {}), ElementsAre("resolved a"));
}

TEST_F(AlertBookTest, WhatWasNotSavedByItIsNothing) {
  for (const char* text : {"", "{", "7", "[7]", "[{}]", R"([{"key":7}])", R"([{"key":"a","code":"b"}])"}) {
    book_.restore(text, now_, wall());
    EXPECT_THAT(book_.open(), IsEmpty()) << text;
  }
}

}  // namespace
}  // namespace vodlift
