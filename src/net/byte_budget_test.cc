#include "net/byte_budget.h"

#include <gtest/gtest.h>

namespace vodlift::net {
namespace {

constexpr std::size_t kMiB = std::size_t{1024} * 1024;
constexpr std::size_t kLarge = kMiB;
constexpr std::size_t kSmall = ByteBudget::kSmallBytes;

ByteHolders from(const std::string& address, const std::string& key = "") { return {address, key}; }

// How many pieces of this size are granted before the first that is not.
int taken(ByteBudget& budget, const ByteHolders& holders, std::size_t bytes, Errc refused) {
  int count = 0;
  for (;;) {
    const auto one = budget.take(holders, bytes);
    if (!one) {
      EXPECT_EQ(one.error().code, refused);
      return count;
    }
    ++count;
  }
}

TEST(ByteBudget, OneHolderHasAQuarterAndLargePiecesThreeQuartersOfIt) {
  ByteBudget budget(64 * kMiB);
  EXPECT_EQ(taken(budget, from("a"), kLarge, Errc::too_many_connections), 12);
  EXPECT_EQ(taken(budget, from("a"), kSmall, Errc::too_many_connections), 4 * kMiB / kSmall);
  EXPECT_EQ(budget.held(), 16 * kMiB);
  EXPECT_TRUE(budget.take(from("b"), kLarge));
}

TEST(ByteBudget, AnotherTotalCountsFromThenOn) {
  ByteBudget budget(64 * kMiB);
  EXPECT_EQ(taken(budget, from("a"), kLarge, Errc::too_many_connections), 12);
  budget.use(16 * kMiB);
  EXPECT_EQ(budget.total(), 16 * kMiB);
  EXPECT_FALSE(budget.take(from("b"), kLarge)) << "12 MiB are held";
  budget.give_back(from("a"), 12 * kMiB);
  EXPECT_EQ(taken(budget, from("b"), kLarge, Errc::too_many_connections), 3);
  budget.use(64 * kMiB);
  EXPECT_EQ(taken(budget, from("b"), kLarge, Errc::too_many_connections), 9);
}

TEST(ByteBudget, AKeyHasOneShareForAllItsAddresses) {
  ByteBudget budget(64 * kMiB);
  int count = 0;
  while (budget.take(from(std::to_string(count), "key"), kLarge)) ++count;
  EXPECT_EQ(count, 12);
  EXPECT_TRUE(budget.take(from("1", "another key"), kLarge));
}

TEST(ByteBudget, ManyHoldersTogetherLeaveRoomForSmallRequests) {
  ByteBudget budget(64 * kMiB);
  int count = 0;
  while (budget.take(from(std::to_string(count)), kLarge)) ++count;
  EXPECT_EQ(count, 48);
  EXPECT_EQ(taken(budget, from(""), kLarge, Errc::overloaded), 0);
  EXPECT_TRUE(budget.take(from("x"), kSmall));
  EXPECT_EQ(taken(budget, from(""), kSmall, Errc::overloaded), 16 * kMiB / kSmall - 1);
}

TEST(ByteBudget, WhatIsGivenBackIsThereAgain) {
  ByteBudget budget(64 * kMiB);
  {
    ByteCharge charge(budget);
    ASSERT_TRUE(charge.hold(from("a", "k"), 2 * kMiB));
    ASSERT_TRUE(charge.hold(from("b"), 3 * kMiB)) << "instead of the first";
    EXPECT_EQ(budget.held(), 3 * kMiB);
    EXPECT_FALSE(charge.hold(from("b"), 13 * kMiB));
    EXPECT_EQ(budget.held(), 0U);
    charge.hold_anyway(from("b"), 20 * kMiB);
    EXPECT_EQ(taken(budget, from("b"), kSmall, Errc::too_many_connections), 0);
  }
  EXPECT_EQ(budget.held(), 0U);
  EXPECT_EQ(taken(budget, from("b"), kLarge, Errc::too_many_connections), 12);
}

}  // namespace
}  // namespace vodlift::net
