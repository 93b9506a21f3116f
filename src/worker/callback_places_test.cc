#include "worker/callback_places.h"

#include <gtest/gtest.h>

#include <string>

namespace vodlift::worker {
namespace {

using namespace std::chrono_literals;

constexpr AccountId kOne = 1;
constexpr AccountId kOther = 1000;
constexpr int kMany = 10000;

class CallbackPlacesTest : public testing::Test {
 protected:
  int take(AccountId account, const std::string& receiver, int wanted = kMany) {
    int taken = 0;
    while (taken < wanted && places_.take(account, receiver, now_)) ++taken;
    return taken;
  }
  void end(AccountId account, const std::string& receiver, std::chrono::milliseconds took, int count = 1) {
    for (int i = 0; i < count; ++i) places_.ended(account, receiver, took, now_);
  }
  // One delivery to it has ended after that time.
  void know(AccountId account, const std::string& receiver, std::chrono::milliseconds took) {
    ASSERT_EQ(take(account, receiver, 1), 1);
    end(account, receiver, took);
  }
  // Takes all that the account gets for receivers that were never heard of.
  int take_unknown(AccountId account) {
    int taken = 0;
    for (int i = 0; i < kMany; ++i) taken += take(account, "unknown" + std::to_string(i));
    return taken;
  }

  SteadyTime now_{};
  CallbackPlaces places_{5s};
};

TEST_F(CallbackPlacesTest, AReceiverThatIsNewOrSlowGetsAFew) {
  EXPECT_EQ(take(kOne, "new"), CallbackPlaces::kOfUnproven);
  know(kOne, "slow", 5001ms);
  EXPECT_EQ(take(kOne, "slow"), CallbackPlaces::kOfUnproven);
  know(kOne, "in time", 5000ms);
  EXPECT_EQ(take(kOne, "in time"), CallbackPlaces::kOfReceiver);
}

TEST_F(CallbackPlacesTest, SlownessEnds) {
  know(kOne, "a", 6s);
  now_ += CallbackPlaces::kSlowFor + 1s;
  know(kOne, "a", 1s);
  EXPECT_EQ(take(kOne, "a"), CallbackPlaces::kOfReceiver);
  end(kOne, "a", 6s);
  EXPECT_EQ(take(kOne, "a"), 0) << "it has 31 under way";
}

TEST_F(CallbackPlacesTest, SlownessIsOfOneReceiverOfOneAccount) {
  know(kOne, "a", 6s);
  know(kOne, "b", 0s);
  know(kOther, "a", 0s);
  EXPECT_EQ(take(kOne, "b"), CallbackPlaces::kOfReceiver);
  EXPECT_EQ(take(kOther, "a"), CallbackPlaces::kOfReceiver);
}

TEST_F(CallbackPlacesTest, OneAccountLeavesHalf) {
  for (int i = 0; i < 100; ++i) {
    if (places_.open(kOne)) know(kOne, std::to_string(i), 0s);
    take(kOne, std::to_string(i));
  }
  EXPECT_EQ(places_.under_way(), CallbackPlaces::kAll / 2);
  EXPECT_FALSE(places_.open(kOne));
  EXPECT_TRUE(places_.open(kOther));
}

TEST_F(CallbackPlacesTest, ManyAccountsLeaveAPlaceForOneMore) {
  know(kOther, "in time", 0s);
  for (AccountId account = 1; account <= 15; ++account) take_unknown(account);
  EXPECT_EQ(take(kOther, "new"), 1);
  for (AccountId account = 16; account <= 300; ++account) take_unknown(account);
  EXPECT_EQ(places_.under_way(), CallbackPlaces::kFirstUnproven);
  EXPECT_EQ(take(301, "new"), 0) << "the rest is for receivers that are in time";
  EXPECT_GE(take(kOther, "in time"), 2);
}

TEST_F(CallbackPlacesTest, UnprovenReceiversLeaveThoseOfTheirAccountThatAreInTimeARest) {
  know(kOne, "in time", 0s);
  EXPECT_GE(take_unknown(kOne), CallbackPlaces::kOfUnproven);
  EXPECT_GE(take(kOne, "in time"), CallbackPlaces::kOfUnproven);
}

TEST_F(CallbackPlacesTest, SlowReceiversLeaveNewOnesOfTheirAccountARest) {
  for (int i = 0; i < 100; ++i) know(kOne, std::to_string(i), 6s);
  int slow = 0;
  for (int i = 0; i < 100; ++i) slow += take(kOne, std::to_string(i));
  EXPECT_GE(slow, 2 * CallbackPlaces::kOfUnproven);
  EXPECT_EQ(take(kOne, "new"), CallbackPlaces::kOfUnproven);
}

TEST_F(CallbackPlacesTest, APlaceThatIsGivenBackIsFree) {
  EXPECT_EQ(take(kOne, "a", 3), 3);
  for (int i = 0; i < 3; ++i) places_.give_back(kOne, "a");
  EXPECT_EQ(places_.free(), CallbackPlaces::kAll);
  EXPECT_EQ(take(kOne, "a"), CallbackPlaces::kOfUnproven) << "nothing was learned of it";
}

TEST_F(CallbackPlacesTest, RemembersABoundedNumberOfAnAccount) {
  for (std::size_t i = 0; i < CallbackPlaces::kKnownOfAccount; ++i) know(kOne, std::to_string(i), 0s);
  know(kOther, "a", 0s);
  EXPECT_EQ(take(kOne, "0", 9), 9) << "it is known";
  know(kOne, "one more", 0s);
  EXPECT_EQ(take(kOne, "1"), CallbackPlaces::kOfUnproven) << "it is new again";
  EXPECT_EQ(take(kOne, "0", 1), 1) << "one with callbacks under way is not forgotten";
  EXPECT_EQ(take(kOther, "a"), CallbackPlaces::kOfReceiver) << "nor those of other accounts";
}

TEST_F(CallbackPlacesTest, RemembersABoundedNumberInAll) {
  know(kOne, "a", 0s);
  EXPECT_EQ(take(kOne, "a", 9), 9);
  for (AccountId account = 2; account < 2 + static_cast<AccountId>(CallbackPlaces::kKnown) - 1; ++account) {
    know(account, "a", 0s);
  }
  EXPECT_EQ(take(2, "a", 9), 9) << "it is known";
  know(1'000'000, "a", 0s);
  EXPECT_EQ(take(3, "a"), CallbackPlaces::kOfUnproven) << "it is new again";
  EXPECT_EQ(take(kOne, "a", 1), 1) << "one with callbacks under way is not forgotten";
}

}  // namespace
}  // namespace vodlift::worker
