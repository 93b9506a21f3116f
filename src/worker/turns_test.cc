#include "worker/turns.h"

#include <gtest/gtest.h>

namespace vodlift::worker {
namespace {

using namespace std::chrono_literals;

constexpr auto kTurn = 30s;
constexpr Places kFull{0, 0};

RunningTurn large_run(UploadId id, AccountId account, std::chrono::milliseconds since_begin = 60s, int priority = 5) {
  return {id, account, priority, kDefaultWeight, true, false, since_begin};
}

Candidate waiting(AccountId account, int priority = 5, int weight = 1) {
  return {priority, account, weight, {{1, 1}}, {{2, kLargeUploadBytes + 1}}, false, false};
}

std::optional<UploadId> who(const std::vector<RunningTurn>& running, const std::vector<Candidate>& ready,
                            const Places& free = kFull) {
  return who_yields(running, ready, free, kTurn);
}

TEST(PlacesForLarge, LeaveAQuarterToSmallOnes) {
  EXPECT_EQ(places_for_large(1), 1);
  EXPECT_EQ(places_for_large(2), 1);
  EXPECT_EQ(places_for_large(4), 3);
  EXPECT_EQ(places_for_large(8), 6);
  EXPECT_EQ(places_for_large(256), 192);
}

TEST(WhoMakesRoom, NobodyWhileNobodyWaits) { EXPECT_EQ(who({large_run(1, 1)}, {}), std::nullopt); }

TEST(WhoMakesRoom, TheAccountThatHasMoreRunning) {
  EXPECT_EQ(who({large_run(1, 1), large_run(2, 2), large_run(3, 2)}, {waiting(3)}), 2);
}

TEST(WhoMakesRoom, NobodyBeforeItsTurnIsOver) {
  EXPECT_EQ(who({large_run(1, 1, 29s)}, {waiting(2)}), std::nullopt);
  EXPECT_EQ(who({large_run(1, 1, 30s)}, {waiting(2)}), 1);
}

TEST(WhoMakesRoom, NobodyForItsOwnAccountOrOneThatHasAsMuch) {
  EXPECT_EQ(who({large_run(1, 1)}, {waiting(1)}), std::nullopt);
  EXPECT_EQ(who({large_run(1, 1), large_run(2, 2)}, {waiting(1), waiting(2)}), std::nullopt);
}

TEST(WhoMakesRoom, WeightsCount) {
  auto heavy = large_run(1, 1);
  heavy.weight = 2;
  auto heavy_too = heavy;
  heavy_too.id = 2;
  EXPECT_EQ(who({heavy, heavy_too, large_run(3, 2)}, {waiting(2)}), std::nullopt) << "two against one, at weight two";
  EXPECT_EQ(who({heavy, heavy_too, large_run(3, 2)}, {waiting(1, 5, 2)}), std::nullopt);
}

TEST(WhoMakesRoom, HigherPriorityGoesBeforeWhoseverItIs) {
  EXPECT_EQ(who({large_run(1, 1)}, {waiting(1, 9)}), 1);
  EXPECT_EQ(who({large_run(1, 1)}, {waiting(2, 4)}), std::nullopt);
  EXPECT_EQ(who({large_run(1, 1, 60s, 6), large_run(2, 1, 40s, 5)}, {waiting(2, 9)}), 2) << "the lowest makes room";
}

TEST(WhoMakesRoom, TheLongestOfEquals) {
  EXPECT_EQ(who({large_run(1, 1, 40s), large_run(2, 2, 50s)}, {waiting(3)}), 2);
}

TEST(WhoMakesRoom, NobodyWhereThereIsAPlace) {
  EXPECT_EQ(who({large_run(1, 1)}, {waiting(2)}, {1, 1}), std::nullopt);
  EXPECT_EQ(who({large_run(1, 1)}, {waiting(2)}, {1, 0}), std::nullopt) << "its small one may have the place";
  Candidate large_ones_only = waiting(2);
  large_ones_only.small.clear();
  EXPECT_EQ(who({large_run(1, 1)}, {large_ones_only}, {1, 0}), 1);
}

TEST(WhoMakesRoom, NobodyWhileOneThatWasToldStillRuns) {
  auto ending = large_run(1, 1);
  ending.ending = true;
  EXPECT_EQ(who({ending, large_run(2, 1), large_run(3, 1)}, {waiting(2)}), std::nullopt);
  ending.large = false;
  EXPECT_EQ(who({ending, large_run(2, 1), large_run(3, 1)}, {waiting(2)}), 2) << "a small one leaves no such place";
}

TEST(WhoMakesRoom, SmallOnesAndThoseToldAlreadyAreLeftAlone) {
  auto small = large_run(1, 1);
  small.large = false;
  auto ending = large_run(2, 1);
  ending.ending = true;
  EXPECT_EQ(who({small, ending}, {waiting(2)}), std::nullopt);
}

TEST(ClaimAheadTest, AsManyAsThereAreSlotsUntilRunsAreShort) {
  ClaimAhead ahead(8);
  EXPECT_EQ(ahead.places(0), 8);
  EXPECT_EQ(ahead.places(7), 1);
  EXPECT_EQ(ahead.places(8), 0);
  ahead.ran(ClaimAhead::kShortRun);
  EXPECT_EQ(ahead.places(8), 0);
}

TEST(ClaimAheadTest, TwiceAsManyWhileRunsAreShortAndManyAtATime) {
  ClaimAhead ahead(8);
  ahead.ran(std::chrono::milliseconds(1));
  EXPECT_EQ(ahead.places(0), 16);
  EXPECT_EQ(ahead.places(11), 5);
  EXPECT_EQ(ahead.places(12), 0) << "not worth a commit";
  EXPECT_EQ(ahead.places(16), 0);
  ahead.stop();
  EXPECT_EQ(ahead.places(11), 0) << "more are claimed than there are slots";
  ahead.ran(std::chrono::milliseconds(1));
  EXPECT_EQ(ahead.places(11), 5);
}

}  // namespace
}  // namespace vodlift::worker
