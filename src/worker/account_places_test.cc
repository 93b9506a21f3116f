#include "worker/account_places.h"

#include <gtest/gtest.h>

#include <set>

#include "worker/fakes_test.h"

namespace vodlift::worker {
namespace {

using namespace std::chrono_literals;

// Two nodes that share the cap of kAccount.
class AccountPlacesTest : public testing::Test {
 protected:
  struct Node {
    explicit Node(AccountPlacesTest& test)
        : places(
              test.accounts.directory, [this] { ++asked; }, [&test] { return test.now; }) {}

    int asked = 0;  // for a renewal
    int running = 0;
    std::vector<BandwidthWish> wishes;  // that the database has
    std::int64_t held = 0;              // that the database has
    AccountPlaces places;
  };

  AccountPlacesTest() { set_cap(5); }

  void set_cap(int uploads) {
    accounts.directory
        .change_account(kAccount,
                        [&](Account& account) -> Result<> {
                          account.uploads_at_once = uploads;
                          return {};
                        })
        .value();
  }
  static std::optional<int> room(Node& node) {
    const auto claiming = node.places.claiming();
    return node.places.room({{kAccount, node.running}})(kAccount);
  }
  void begin_all(Node& node) { node.running += std::max(room(node).value(), 0); }
  bool renew(Node& node) {
    node.wishes = node.places.wishes([&] { return AccountPlaces::Running{{kAccount, node.running}}; });
    const Node& other = &node == &a ? b : a;
    std::vector<HeldShare> held;
    for (const BandwidthWish& wish : other.wishes) held.push_back({wish.rate, wish.senders, other.held});
    const std::int64_t share = node.wishes.empty() ? 0 : next_share(node.wishes.front(), held);
    node.held = node.wishes.empty() ? 0 : std::max(share, node.wishes.front().least);
    std::vector<BandwidthShare> shares;
    for (const BandwidthWish& wish : node.wishes) shares.push_back({wish.scope, share});
    return node.places.grant(shares, now + kShareLease);
  }

  OneBucket accounts;
  SteadyTime now{1h};
  Node a{*this};
  Node b{*this};
};

TEST_F(AccountPlacesTest, WithoutOtherNodesTheCapIsTheRoom) {
  AccountPlaces alone(accounts.directory, nullptr);
  EXPECT_EQ(alone.room({{kAccount, 3}})(kAccount), 2);
  EXPECT_EQ(alone.room({})(kAccount + 1), std::nullopt) << "it has no cap";
  set_cap(0);
  EXPECT_EQ(alone.room({{kAccount, 3}})(kAccount), std::nullopt);
}

TEST_F(AccountPlacesTest, NothingBeginsBeforeThereIsAShare) {
  EXPECT_EQ(room(a), 0);
  EXPECT_EQ(a.asked, 1);
  EXPECT_TRUE(renew(a));
  EXPECT_EQ(room(a), 5);
  EXPECT_EQ(a.asked, 1) << "the renewals of each second are enough now";
}

TEST_F(AccountPlacesTest, AShareEndsWithItsLease) {
  (void)room(a);
  renew(a);
  now += kShareLease;
  EXPECT_EQ(room(a), 0) << "others may have taken it";
}

TEST_F(AccountPlacesTest, WhatRunsIsGivenBackWhenItHasEnded) {
  (void)room(a);
  renew(a);
  begin_all(a);
  EXPECT_EQ(a.running, 5);
  (void)room(b);
  renew(b);
  (void)room(a);  // there is more
  renew(a);
  renew(b);
  EXPECT_EQ(room(b), 0) << "the other one runs as many as may run";
  a.running = 4;
  EXPECT_LT(room(a).value(), 0) << "it fills no place that it must give back";
  a.running = 3;
  EXPECT_EQ(room(a), 0) << "the first node gets the odd one";
  renew(a);
  renew(b);
  EXPECT_EQ(room(b), 2);
}

TEST_F(AccountPlacesTest, ANodeThatWantsNoneLeavesThemToTheOthers) {
  (void)room(a);
  renew(a);
  now += AccountPlaces::kWanted;
  renew(a);
  EXPECT_TRUE(a.wishes.empty());
  (void)room(b);
  renew(b);
  EXPECT_EQ(room(b), 5);
}

TEST_F(AccountPlacesTest, NothingBeginsBetweenAWishAndItsAnswer) {
  (void)room(a);
  renew(a);
  a.running = 1;
  (void)a.places.wishes([&] { return AccountPlaces::Running{{kAccount, a.running}}; });
  EXPECT_EQ(room(a), 0);
}

// Whatever begins and ends, and in whatever order nodes renew: never more than the cap in sum.
TEST_F(AccountPlacesTest, TheSumNeverExceedsTheCap) {
  for (int step = 0; step < 3000; ++step) {
    Node& node = step % 7 < 4 ? a : b;
    if (step % 5 == 0) renew(node);
    if (step % 3 == 0) begin_all(node);
    ASSERT_LE(a.running + b.running, 5);
    if (step % 11 == 0 && node.running > 0) --node.running;
    if (step % 2 == 0) now += 100ms;
  }
}

}  // namespace
}  // namespace vodlift::worker
