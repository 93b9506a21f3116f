// Bandwidth limits: one for each scope, kept as they were set.
#include <algorithm>
#include <array>
#include <functional>
#include <latch>
#include <thread>

#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using Kind = BandwidthScope::Kind;

class BandwidthConformance : public StoreSuite {};

TEST_P(BandwidthConformance, KeepsOneForEachScope) {
  EXPECT_TRUE(limits().list().value().empty());
  BandwidthLimit limit{{Kind::bucket, 158, "videos"}, std::nullopt, {}, "Europe/Paris"};
  limit.windows = {parse_window("Mon-Fri 08:00-18:00 10MB").value(), parse_window("daily 22:00-06:00 none").value()};
  ASSERT_TRUE(limits().put(limit));
  ASSERT_TRUE(limits().put({{Kind::all, 0, ""}, 5'000'000, {}, "UTC"}));
  ASSERT_TRUE(limits().put({{Kind::all, 0, ""}, 7'123'456, {}, "UTC"})) << "in the place of the one before";
  ASSERT_TRUE(limits().put({{Kind::storage, 0, "sestore4"}, 5'000'000, {}, "UTC"}));
  ASSERT_TRUE(limits().put({{Kind::account, 158, ""}, 5'000'000, {}, "UTC"}));
  reopen();
  const auto kept = limits().list().value();
  ASSERT_EQ(kept.size(), 4U);
  for (const BandwidthLimit& one : kept) {
    if (one.scope.kind == Kind::all) {
      EXPECT_EQ(one.rate, ByteRate(7'123'456));
    }
    if (one.scope.kind != Kind::bucket) continue;
    EXPECT_EQ(one.scope, limit.scope);
    EXPECT_EQ(one.rate, std::nullopt);
    EXPECT_EQ(one.time_zone, "Europe/Paris");
    ASSERT_EQ(one.windows.size(), 2U);
    EXPECT_EQ(to_text(one.windows[0]), "Mon-Fri 08:00-18:00 10MB");
    EXPECT_EQ(to_text(one.windows[1]), "daily 22:00-06:00 none");
  }
}

TEST_P(BandwidthConformance, RemovesWhatIsThereOnly) {
  ASSERT_TRUE(limits().put({{Kind::account, 158, ""}, 5'000'000, {}, "UTC"}));
  EXPECT_EQ(limits().remove({Kind::account, 159, ""}).error().code, Errc::not_found);
  EXPECT_EQ(limits().remove({Kind::all, 0, ""}).error().code, Errc::not_found);
  EXPECT_TRUE(limits().remove({Kind::account, 158, ""}));
  EXPECT_TRUE(limits().list().value().empty());
}

VODLIFT_INSTANTIATE_CONFORMANCE(BandwidthConformance);

// Of the nodes `first` and `second`.
class ShareConformance : public StoreSuite {
 protected:
  static constexpr std::int64_t kLimit = 8'000'000;

  void SetUp() override {
    StoreSuite::SetUp();
    if (store_->shares() == nullptr) GTEST_SKIP() << "it has one node";
    for (const NodeTerm& node : {first(), second()}) ASSERT_TRUE(nodes().describe(node, {}));
  }

  [[nodiscard]] NodeTerm first() const { return node_->self; }
  NodeTerm second() {
    if (!second_) second_.emplace(store_->open_node("second").self);
    return *second_;
  }
  // What the node has of each of these limits.
  std::vector<std::int64_t> renew(const NodeTerm& node, const std::vector<BandwidthScope>& scopes,
                                  std::int64_t wish = kLimit) {
    std::vector<BandwidthWish> wishes;
    for (const BandwidthScope& scope : scopes) wishes.push_back({scope, kLimit, wish, 1});
    const auto renewed = store_->shares()->renew(node, wishes).value();
    EXPECT_EQ(renewed.shares.size(), scopes.size());
    nodes_ = renewed.nodes;
    std::vector<std::int64_t> rates;
    for (std::size_t at = 0; at < scopes.size(); ++at) {
      EXPECT_EQ(renewed.shares[at].scope, scopes[at]);
      rates.push_back(renewed.shares[at].rate);
    }
    return rates;
  }
  using Rates = std::vector<std::int64_t>;

  const BandwidthScope all_{Kind::all, 0, ""};
  const BandwidthScope bucket_{Kind::bucket, 158, "videos"};
  std::optional<NodeTerm> second_;
  std::int64_t nodes_ = 0;
};

TEST_P(ShareConformance, WhatOneGivesBackTheOtherTakes) {
  EXPECT_EQ(renew(first(), {all_}), Rates{kLimit});
  EXPECT_EQ(renew(second(), {all_}), Rates{0});
  EXPECT_EQ(renew(first(), {all_}), Rates{kLimit / 2});
  EXPECT_EQ(renew(second(), {all_}), Rates{kLimit / 2});
  EXPECT_EQ(nodes_, 2);
  EXPECT_EQ(renew(second(), {}), Rates{});
  EXPECT_EQ(renew(first(), {all_}), Rates{kLimit});
}

TEST_P(ShareConformance, EachLimitHasSharesOfItsOwn) {
  const BandwidthScope other{Kind::bucket, 159, "videos"};
  const BandwidthScope storage{Kind::storage, 0, "videos"};
  EXPECT_EQ(renew(first(), {all_, bucket_}), (Rates{kLimit, kLimit}));
  EXPECT_EQ(renew(second(), {storage, bucket_, other}), (Rates{kLimit, 0, kLimit}));
  EXPECT_EQ(renew(first(), {bucket_, all_}), (Rates{kLimit / 2, kLimit}));
  EXPECT_EQ(renew(second(), {other, bucket_}, 1000), (Rates{1000, 1000}));
}

TEST_P(ShareConformance, WhatADeadNodeHeldIsFreeWhenItsLeaseIsOver) {
  renew(second(), {all_, bucket_});
  EXPECT_EQ(renew(first(), {all_}), Rates{0});
  clock_.advance(kShareLease - std::chrono::milliseconds(1));
  EXPECT_EQ(renew(first(), {all_}), Rates{0});
  clock_.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(renew(first(), {all_}), Rates{kLimit});
  EXPECT_EQ(renew(second(), {all_}), Rates{0}) << "it was only slow";
}

TEST_P(ShareConformance, ANodeThatStopsGivesBackAtOnce) {
  renew(second(), {all_});
  ASSERT_TRUE(nodes().leave(second()));
  EXPECT_EQ(renew(first(), {all_}), Rates{kLimit});
  EXPECT_EQ(nodes_, 1);
}

TEST_P(ShareConformance, NodesThatSendFilesAreCounted) {
  ASSERT_TRUE(nodes().describe(second(), {.roles = {.worker = false}}));
  renew(first(), {});
  EXPECT_EQ(nodes_, 1);
  ASSERT_TRUE(nodes().describe(second(), {}));
  renew(first(), {});
  EXPECT_EQ(nodes_, 2);
  clock_.advance(kNodeLostAfter);
  ASSERT_TRUE(nodes().beat(first()));
  clock_.advance(std::chrono::seconds(1));
  renew(first(), {all_});
  EXPECT_EQ(nodes_, 1) << "the other one is lost";
}

TEST_P(ShareConformance, UploadsThatRunAreNotGivenBack) {
  const BandwidthScope account{Kind::account, 158, ""};
  const auto take = [&](const NodeTerm& node, std::int64_t running) {
    const BandwidthWish wish{.scope = account, .limit = 5, .rate = 5, .uploads = true, .least = running};
    return store_->shares()->renew(node, {wish}).value().shares.front().rate;
  };
  EXPECT_EQ(renew(second(), {account}), Rates{kLimit}) << "bytes are another limit";
  EXPECT_EQ(take(first(), 0), 5);
  EXPECT_EQ(take(second(), 0), 0);
  EXPECT_EQ(take(first(), 4), 3) << "nothing may begin until one more has ended";
  EXPECT_EQ(take(second(), 0), 1) << "four run";
  EXPECT_EQ(take(first(), 3), 3);
  EXPECT_EQ(take(second(), 1), 2);
}

TEST_P(ShareConformance, OfTwoAtTheSameMomentOneIsFirst) {
  for (int round = 0; round < 20; ++round) {
    std::array<std::int64_t, 2> rates{};
    std::latch ready(2);
    const auto take = [&](const NodeTerm& node, std::int64_t& rate) {
      ready.arrive_and_wait();
      rate = store_->shares()->renew(node, {{all_, kLimit, kLimit, 1}}).value().shares.front().rate;
    };
    std::thread other(take, second(), std::ref(rates[1]));
    take(first(), rates[0]);
    other.join();
    EXPECT_EQ(std::max(rates[0], rates[1]), kLimit);
    EXPECT_EQ(std::min(rates[0], rates[1]), 0);
    for (const NodeTerm& node : {first(), second()}) renew(node, {});
  }
}

VODLIFT_INSTANTIATE_CONFORMANCE(ShareConformance);

}  // namespace
}  // namespace vodlift::conformance
