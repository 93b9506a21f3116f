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
