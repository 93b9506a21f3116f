#include "core/bandwidth.h"

#include <gtest/gtest.h>

#include <thread>

namespace vodlift {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;
using Kind = BandwidthScope::Kind;

constexpr std::size_t kBuffer = std::size_t{256} * 1024;

class SetClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return time; }
  WallTime time = from_unix_ms(0);  // a Thursday, 00:00 UTC
};

class BandwidthTest : public testing::Test {
 protected:
  // Bytes that one sender after the other, each waiting for its chunks, gets through in `time`.
  std::map<AccountId, std::int64_t> send(const std::vector<BandwidthUse>& senders, std::chrono::nanoseconds time) {
    std::map<AccountId, std::int64_t> sent;
    std::multimap<steady_clock::time_point, std::pair<std::size_t, std::size_t>> due;  // when, who, bytes
    const auto ask = [&](std::size_t who) {
      const auto chunk = bandwidth.next(senders[who], kBuffer);
      due.emplace(now + chunk.wait, std::pair(who, chunk.bytes));
    };
    const auto end = now + time;
    for (std::size_t who = 0; who < senders.size(); ++who) ask(who);
    while (due.begin()->first < end) {
      const auto [who, bytes] = due.begin()->second;
      now = due.begin()->first;
      due.erase(due.begin());
      sent[senders[who].account] += static_cast<std::int64_t>(bytes);
      ask(who);
    }
    now = end;
    return sent;
  }

  static void expect_near(std::int64_t bytes, double wanted) {
    EXPECT_NEAR(static_cast<double>(bytes), wanted, wanted * 0.08);
  }

  SetClock clock;
  steady_clock::time_point now{1h};
  Bandwidth bandwidth{clock, [this] { return now; }};
};

TEST_F(BandwidthTest, TellsTheSlowestLimitThatApplies) {
  EXPECT_EQ(bandwidth.limit({158, "a", "s"}), std::nullopt);
  bandwidth.set({{{Kind::all, 0, ""}, 900'000, {}, "UTC"},
                 {{Kind::account, 158, ""}, 500'000, {}, "UTC"},
                 {{Kind::bucket, 158, "a"}, 700'000, {}, "UTC"}});
  EXPECT_EQ(bandwidth.limit({158, "a", "s"}), 500'000);
  EXPECT_EQ(bandwidth.limit({159, "a", "s"}), 900'000);
}

TEST_F(BandwidthTest, WithoutALimitNothingWaits) {
  const auto chunk = bandwidth.next({158, "b", "s"}, kBuffer);
  EXPECT_EQ(chunk.bytes, kBuffer);
  EXPECT_EQ(chunk.wait, 0ns);
}

TEST_F(BandwidthTest, ALimitHoldsAndIsUsedUp) {
  for (const std::int64_t rate : {kMinRate, std::int64_t{10'000'000}, std::int64_t{2'000'000'000}}) {
    bandwidth.set({{{Kind::all, 0, ""}, rate, {}, "UTC"}});
    expect_near(send({{158, "b", "s"}}, 10s)[158], static_cast<double>(rate) * 10);
    now += 1s;
  }
}

TEST_F(BandwidthTest, SendersThatShareALimitProgressEqually) {
  bandwidth.set({{{Kind::all, 0, ""}, 3'000'000, {}, "UTC"}});
  auto sent = send({{1, "b", "s"}, {2, "b", "s"}, {3, "b", "s"}}, 10s);
  for (const AccountId account : {1, 2, 3}) expect_near(sent[account], 10e6);
}

TEST_F(BandwidthTest, EveryLimitOfAnUploadCounts) {
  bandwidth.set({{{Kind::all, 0, ""}, 8'000'000, {}, "UTC"},
                 {{Kind::account, 1, ""}, 1'000'000, {}, "UTC"},
                 {{Kind::bucket, 2, "small"}, 2'000'000, {}, "UTC"},
                 {{Kind::storage, 0, "slow"}, 3'000'000, {}, "UTC"}});
  auto sent = send({{1, "b", "s"}, {2, "small", "s"}, {3, "b", "slow"}}, 10s);
  expect_near(sent[1], 10e6);
  expect_near(sent[2], 20e6);
  expect_near(sent[3], 30e6);
  expect_near(send({{4, "small", "s"}}, 10s)[4], 80e6);
}

TEST_F(BandwidthTest, UnusedBandwidthIsNotCarriedOver) {
  bandwidth.set({{{Kind::all, 0, ""}, 1'000'000, {}, "UTC"}});
  now += 1h;
  expect_near(send({{1, "b", "s"}}, 5s)[1], 5e6);
}

TEST_F(BandwidthTest, LimitsCanBeChangedWhileUploadsRun) {
  bandwidth.set({{{Kind::all, 0, ""}, 100'000, {}, "UTC"}});
  send({{1, "b", "s"}}, 5s);
  bandwidth.set({{{Kind::all, 0, ""}, 50'000'000, {}, "UTC"}});
  expect_near(send({{1, "b", "s"}}, 5s)[1], 250e6);
  bandwidth.set({});
  EXPECT_EQ(bandwidth.next({1, "b", "s"}, kBuffer).wait, 0ns);
}

TEST_F(BandwidthTest, FollowsTheTimetableInItsZone) {
  BandwidthLimit limit{{Kind::all, 0, ""}, 1'000'000, {}, "Asia/Tokyo"};
  limit.windows = {parse_window("Thu 09:00-10:00 5MB").value(), parse_window("Thu 10:00-11:00 none").value()};
  bandwidth.set({limit});
  expect_near(send({{1, "b", "s"}}, 5s)[1], 25e6);
  clock.time += 1h;
  now += 2s;
  EXPECT_EQ(bandwidth.next({1, "b", "s"}, kBuffer).wait, 0ns);
  clock.time += 1h;
  now += 2s;
  expect_near(send({{1, "b", "s"}}, 5s)[1], 5e6);
}

TEST_F(BandwidthTest, ALittleDelayCostsNothing) {
  bandwidth.set({{{Kind::all, 0, ""}, 10'000'000, {}, "UTC"}});
  std::int64_t sent = 0;
  const auto begun = now;
  while (now < begun + 10s) {
    const auto chunk = bandwidth.next({1, "b", "s"}, kBuffer);
    now += chunk.wait + 2ms;
    sent += static_cast<std::int64_t>(chunk.bytes);
  }
  expect_near(sent, 100e6);
}

// Two nodes with one limit of 8 MB/s, as next_share() divides it.
class SharedBandwidthTest : public testing::Test {
 protected:
  struct Node {
    explicit Node(const SharedBandwidthTest& test)
        : bandwidth(
              test.clock, [&test] { return test.now; }, [this] { ++renewals_asked; }) {}

    std::vector<BandwidthWish> wishes;  // that the database has
    std::int64_t share = 0;
    int renewals_asked = 0;
    Bandwidth bandwidth;
  };

  void SetUp() override {
    for (Node* node : {&a, &b}) node->bandwidth.set({{{Kind::all, 0, ""}, kLimit, {}, "UTC"}});
  }

  void renew(Node& node) {
    node.wishes = node.bandwidth.wishes().value();
    const Node& other = &node == &a ? b : a;
    std::vector<HeldShare> held;
    for (const BandwidthWish& wish : other.wishes) held.push_back({wish.rate, wish.senders, other.share});
    BandwidthShares::Renewed renewed{{}, 2};
    node.share = node.wishes.empty() ? 0 : next_share(node.wishes.front(), held);
    for (const BandwidthWish& wish : node.wishes) renewed.shares.push_back({wish.scope, node.share});
    node.bandwidth.grant(renewed, now + kShareLease);
  }

  // Bytes that so many senders of a node get through in `time`, in steps of a millisecond.
  void send(std::chrono::milliseconds time, int senders_of_a, int senders_of_b, bool renews = true) {
    std::map<Node*, std::vector<std::pair<steady_clock::time_point, std::size_t>>> due;
    due[&a].resize(static_cast<std::size_t>(senders_of_a), {now, 0});
    due[&b].resize(static_cast<std::size_t>(senders_of_b), {now, 0});
    sent.clear();
    for (const auto end = now + time; now < end; now += 1ms) {
      for (auto& [node, senders] : due) {
        for (auto& [when, bytes] : senders) {
          if (when > now) continue;
          sent[node] += static_cast<std::int64_t>(bytes);
          const auto chunk = node->bandwidth.next({158, "b", "s"}, kBuffer);
          bytes = chunk.bytes;
          when = now + chunk.wait;
        }
      }
      const auto passed = std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch()).count();
      if (renews && passed % 1000 == 0) renew(a);
      if (renews && passed % 1000 == 400) renew(b);
    }
  }
  void expect_rates(double of_a, double of_b, std::chrono::seconds time) {
    const auto seconds = static_cast<double>(time.count());
    EXPECT_NEAR(static_cast<double>(sent[&a]) / seconds, of_a, 0.08 * kLimit);
    EXPECT_NEAR(static_cast<double>(sent[&b]) / seconds, of_b, 0.08 * kLimit);
  }

  static constexpr std::int64_t kLimit = 8'000'000;
  SetClock clock;
  steady_clock::time_point now{1h};
  Node a{*this};
  Node b{*this};
  std::map<Node*, std::int64_t> sent;
};

TEST_F(SharedBandwidthTest, WithoutAShareNothingIsSentAndARenewalIsAskedFor) {
  const auto chunk = a.bandwidth.next({158, "b", "s"}, kBuffer);
  EXPECT_EQ(chunk.bytes, 0U);
  EXPECT_GT(chunk.wait, 0ns);
  EXPECT_EQ(a.renewals_asked, 1);
  for (int asks = 0; asks < 20; ++asks) EXPECT_EQ(a.bandwidth.next({158, "b", "s"}, kBuffer).bytes, 0U);
  EXPECT_EQ(a.renewals_asked, 1) << "once in a while is enough";
  renew(a);
  EXPECT_GT(a.bandwidth.next({158, "b", "s"}, kBuffer).bytes, 0U);
}

TEST_F(SharedBandwidthTest, NodesShareALimitBySenders) {
  send(5s, 1, 1);
  send(20s, 1, 1);
  expect_rates(4e6, 4e6, 20s);
  send(5s, 3, 1);
  send(20s, 3, 1);
  expect_rates(6e6, 2e6, 20s);
}

TEST_F(SharedBandwidthTest, WhatAnIdleNodeHadGoesToTheOther) {
  send(10s, 2, 2);
  send(10s, 2, 0);
  send(10s, 2, 0);
  expect_rates(8e6, 0, 10s);
  EXPECT_TRUE(b.wishes.empty());
  EXPECT_EQ(b.bandwidth.shares().at({}), 0);
  send(3s, 2, 2);
  send(10s, 2, 2);
  expect_rates(4e6, 4e6, 10s);
}

TEST_F(SharedBandwidthTest, ANodeThatCannotRenewFallsToAnEqualPart) {
  send(10s, 1, 0);
  EXPECT_EQ(a.bandwidth.shares().at({}), kLimit);
  now += kShareLease;
  send(10s, 1, 0, /*renews=*/false);
  expect_rates(4e6, 0, 10s);
  renew(a);
  EXPECT_EQ(a.bandwidth.shares().at({}), kLimit);
}

TEST_F(SharedBandwidthTest, WhereThereIsNoLimitNothingIsRenewed) {
  a.bandwidth.set({});
  EXPECT_FALSE(a.bandwidth.wishes());
  EXPECT_EQ(a.bandwidth.next({158, "b", "s"}, kBuffer).wait, 0ns);
  now += 1h;
  a.bandwidth.set({{{Kind::all, 0, ""}, kLimit, {}, "UTC"}});
  EXPECT_EQ(a.bandwidth.next({158, "b", "s"}, kBuffer).bytes, 0U) << "others may have all of it";
}

TEST_F(SharedBandwidthTest, PartsAreSizedByTheWholeLimit) { EXPECT_EQ(a.bandwidth.limit({158, "b", "s"}), kLimit); }

TEST_F(BandwidthTest, MayBeAskedAndChangedFromManyThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this, i] {
      for (int n = 0; n < 2000; ++n) {
        if (i == 0) bandwidth.set({{{Kind::account, n % 3, ""}, 1'000'000, {}, "UTC"}});
        EXPECT_GE(bandwidth.next({n % 3, "b", "s"}, kBuffer).bytes, 1U);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace vodlift
