#include "core/bandwidth_shares.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace vodlift {
namespace {

// Nodes that renew their shares of one limit.
class BandwidthSharesTest : public testing::Test {
 protected:
  struct Node {
    std::int64_t wish = 0;  // 0: none
    std::int64_t senders = 1;
    std::int64_t rate = 0;
  };

  void renew(std::size_t who) {
    Node& node = nodes[who];
    std::vector<HeldShare> others;
    for (std::size_t at = 0; at < nodes.size(); ++at) {
      if (at != who && nodes[at].wish > 0) others.push_back({nodes[at].wish, nodes[at].senders, nodes[at].rate});
    }
    node.rate = node.wish == 0 ? 0 : next_share({{}, limit, node.wish, node.senders}, others);
  }
  // Twice: at first some give back, then others take it.
  void all_renew() {
    for (int round = 0; round < 2; ++round) {
      for (std::size_t at = 0; at < nodes.size(); ++at) renew(at);
    }
  }
  [[nodiscard]] std::int64_t sum(std::int64_t Node::*member) const {
    return std::accumulate(nodes.begin(), nodes.end(), std::int64_t{0},
                           [&](std::int64_t all, const Node& node) { return all + node.*member; });
  }

  std::int64_t limit = 8'000'000;
  std::vector<Node> nodes;
};

TEST_F(BandwidthSharesTest, OneNodeHasWhatItWants) {
  nodes = {{8'000'000, 3}};
  all_renew();
  EXPECT_EQ(nodes[0].rate, 8'000'000);
  nodes[0].wish = 1000;
  all_renew();
  EXPECT_EQ(nodes[0].rate, 1000);
}

TEST_F(BandwidthSharesTest, WhatIsScarceIsDividedBySenders) {
  nodes = {{8'000'000, 3}, {8'000'000, 1}};
  all_renew();
  EXPECT_EQ(nodes[0].rate, 6'000'000);
  EXPECT_EQ(nodes[1].rate, 2'000'000);
}

TEST_F(BandwidthSharesTest, WhatOneDoesNotWantIsForOthers) {
  nodes = {{8'000'000, 1}, {500'000, 1}, {8'000'000, 1}};
  all_renew();
  EXPECT_EQ(nodes[1].rate, 500'000);
  EXPECT_EQ(nodes[0].rate, 3'750'000);
  EXPECT_EQ(nodes[2].rate, 3'750'000);
}

TEST_F(BandwidthSharesTest, AShareGrowsWhenOthersHaveGivenBack) {
  nodes = {{8'000'000, 1}, {}};
  renew(0);
  nodes[1].wish = 8'000'000;
  renew(1);
  EXPECT_EQ(nodes[1].rate, 0);
  renew(0);
  EXPECT_EQ(nodes[0].rate, 4'000'000);
  renew(1);
  EXPECT_EQ(nodes[1].rate, 4'000'000);
  nodes.pop_back();  // it died, and its lease is over
  renew(0);
  EXPECT_EQ(nodes[0].rate, 8'000'000);
}

TEST_F(BandwidthSharesTest, AfterTheLimitWasLoweredNobodyTakesMore) {
  nodes = {{8'000'000, 1}, {8'000'000, 1}};
  all_renew();
  limit = 1'000'000;
  for (Node& node : nodes) node.wish = limit;
  renew(0);
  EXPECT_EQ(nodes[0].rate, 0) << "the other one still has four times the limit";
  all_renew();
  EXPECT_EQ(sum(&Node::rate), limit);
}

// Whatever nodes want, and in whatever order they renew, come and go.
TEST_F(BandwidthSharesTest, TheSumStaysBelowTheLimitAndNobodyStarves) {
  std::mt19937_64 random(20260);
  const auto below = [&](std::int64_t end) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(end));
  };
  for (int trial = 0; trial < 300; ++trial) {
    limit = kMinRate + below(trial % 3 == 0 ? kMaxRate - kMinRate : 10'000'000);
    nodes.assign(static_cast<std::size_t>(1 + below(12)), {});
    for (int step = 0; step < 60; ++step) {
      const auto who = static_cast<std::size_t>(below(std::ssize(nodes)));
      if (below(3) == 0) {
        const std::int64_t wish = below(4) == 0 ? 0 : 1 + (below(2) == 0 ? limit - 1 : below(limit));
        nodes[who].wish = wish;
        nodes[who].senders = below(5) == 0 ? 1 + below(kMostSenders) : 1 + below(20);
      }
      renew(who);
      ASSERT_LE(sum(&Node::rate), limit);
    }
    all_renew();
    std::int64_t senders = 0;
    for (const Node& node : nodes) senders += node.wish > 0 ? node.senders : 0;
    ASSERT_LE(sum(&Node::rate), limit);
    // A byte a sender may be lost to rounding.
    ASSERT_GE(sum(&Node::rate), std::min(limit, sum(&Node::wish)) - senders);
    for (const Node& node : nodes) {
      if (node.wish == 0) continue;
      ASSERT_GE(node.rate, std::min(node.wish, limit / senders * node.senders));
    }
  }
}

}  // namespace
}  // namespace vodlift
