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
  ending.large = ending.in_parts = false;
  EXPECT_EQ(who({ending, large_run(2, 1), large_run(3, 1)}, {waiting(2)}), 2)
      << "one in a single request may take long";
}

TEST(WhoMakesRoom, AnyUploadInParts) {
  auto medium = large_run(1, 1);
  medium.large = false;
  EXPECT_EQ(who({medium}, {waiting(2)}), 1);
  Candidate large_ones_only = waiting(2);
  large_ones_only.small.clear();
  EXPECT_EQ(who({medium}, {large_ones_only}, {1, 0}), std::nullopt) << "its place is of no use to a large one";
}

TEST(WhoMakesRoom, EachFruitlessTurnDoublesTheNext) {
  auto run = large_run(1, 1, 119s);
  run.fruitless = 2;
  EXPECT_EQ(who({run}, {waiting(2)}), std::nullopt);
  run.since_begin = 120s;
  EXPECT_EQ(who({run}, {waiting(2)}), 1);
  run.fruitless = 1000;
  run.since_begin = 480s;
  EXPECT_EQ(who({run}, {waiting(2)}), 1);
}

class SparePlaceTest : public testing::Test {
 protected:
  static Candidate ready(AccountId account, std::string bucket, int priority = 5) {
    return {priority, account, 1, {{account * 100, 10, std::move(bucket)}}, {}, false, false};
  }
  // The bucket's first letter is its endpoint.
  void hold(AccountId account, const std::string& bucket, int count, bool spare = false) {
    for (int i = 0; i < count; ++i) query_.holders.push_back({account, bucket, bucket.substr(0, 1), spare});
  }
  std::optional<UploadId> pick(std::vector<Candidate> accounts) {
    const auto picked = pick_for_spare_place({std::move(accounts)}, query_);
    return picked ? std::optional(picked->id) : std::nullopt;
  }

  SpareQuery query_{{}, {0, 0}, 4, 0, [](AccountId, const std::string& bucket) { return bucket.substr(0, 1); }};
};

TEST_F(SparePlaceTest, IsForABucketThatHoldsNone) {
  hold(1, "E1", 4);
  EXPECT_EQ(pick({ready(1, "E1")}), std::nullopt);
  EXPECT_EQ(pick({ready(1, "E2")}), 100) << "its other bucket";
  EXPECT_EQ(pick({ready(1, "E1"), ready(2, "E1")}), 200) << "a bucket of the same name of another account";
  query_.free = {1, 0};
  EXPECT_EQ(pick({ready(2, "E1")}), std::nullopt) << "there is a usual place for it";
}

TEST_F(SparePlaceTest, AnAccountHasOneAtMost) {
  hold(1, "E1", 4);
  hold(1, "F1", 1, true);
  EXPECT_EQ(pick({ready(1, "G1")}), std::nullopt);
  EXPECT_EQ(pick({ready(1, "G1"), ready(2, "E1")}), 200);
  hold(2, "E1", 1, true);
  EXPECT_EQ(pick({ready(3, "G1")}), std::nullopt) << "both are taken";
}

TEST_F(SparePlaceTest, TheLastOneIsNotForAnEndpointThatHoldsAllOthers) {
  hold(1, "E1", 2);
  hold(2, "E1", 2);
  hold(3, "E1", 1, true);
  EXPECT_EQ(pick({ready(4, "E1")}), std::nullopt);
  EXPECT_EQ(pick({ready(4, "E1"), ready(5, "F1")}), 500);
  query_.holders[0].endpoint = "F";
  EXPECT_EQ(pick({ready(4, "E1")}), 400) << "it does not hold all of them";
}

TEST_F(SparePlaceTest, PriorityFirstThenInTurn) {
  hold(1, "E1", 4);
  EXPECT_EQ(pick({ready(4, "E1", 9), ready(2, "E1"), ready(3, "E1")}), 400);
  query_.last_turn = 2;
  EXPECT_EQ(pick({ready(2, "E1"), ready(3, "E1"), ready(4, "E1")}), 300);
  query_.last_turn = 4;
  EXPECT_EQ(pick({ready(2, "E1"), ready(3, "E1"), ready(4, "E1")}), 200);
}

TEST_F(SparePlaceTest, ThereIsNoneBesideASinglePlace) {
  query_.uploads = 1;
  hold(1, "E1", 1);
  EXPECT_EQ(pick({ready(2, "E1")}), std::nullopt);
}

TEST(WhoMakesRoom, SmallOnesAndThoseToldAlreadyAreLeftAlone) {
  auto small = large_run(1, 1);
  small.large = small.in_parts = false;
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
