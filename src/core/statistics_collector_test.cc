#include "core/statistics_collector.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

// Adds the first account of what it gets, and then fails where it is told to.
class BrokenStatistics final : public Statistics {
 public:
  Result<> add(Collected& collected) override {
    ++calls;
    while (!collected.empty()) {
      added[collected.begin()->first] = collected.begin()->second;
      collected.erase(collected.begin());
      if (fails) return Error{Errc::store_failed, "the disk is full"};
    }
    return {};
  }
  Result<std::vector<StatisticsSlot>> series(const SeriesQuery& /*query*/) override {
    return std::vector<StatisticsSlot>();
  }
  Result<std::vector<AccountSums>> busiest(WallTime /*since*/) override { return std::vector<AccountSums>(); }
  Result<std::vector<BucketSums>> busiest_buckets(AccountId /*account*/, WallTime /*since*/) override {
    return std::vector<BucketSums>();
  }

  bool fails = false;
  int calls = 0;
  Collected added;
};

TEST(StatisticsCollector, WritesSumsOfEachAccount) {
  BrokenStatistics statistics;
  StatisticsCollector collector(statistics);
  collector.sent(1, "films", 10);
  collector.sent(1, "films", 5);
  collector.failed(2, "films", Errc::network, true);
  collector.failed(2, "films", Errc::network, false);
  ASSERT_TRUE(collector.flush());
  EXPECT_EQ(statistics.added.at(1).bytes_sent, 15);
  EXPECT_EQ(statistics.added.at(2).errors.at(Errc::network), (ErrorSums{1, 1}));
  statistics.added.clear();
  ASSERT_TRUE(collector.flush());
  EXPECT_EQ(statistics.calls, 2) << "what is queued and has ended the store counts itself";
  EXPECT_TRUE(statistics.added.empty());
}

TEST(StatisticsCollector, SumsOfEachBucketOutliveAFlushThatFails) {
  BrokenStatistics statistics;
  StatisticsCollector collector(statistics);
  collector.sent(1, "films", 10);
  collector.sent(2, "films", 3);
  collector.completed(2, "films");
  collector.completed(2, "series");
  collector.failed(2, "series", Errc::network, /*for_good=*/true);
  collector.failed(2, "series", Errc::network, /*for_good=*/false);
  statistics.fails = true;
  EXPECT_FALSE(collector.flush());
  EXPECT_EQ(statistics.added.at(1).buckets.at("films"), (BucketWork{10, 0, 0}));
  collector.sent(2, "films", 4);
  statistics.fails = false;
  ASSERT_TRUE(collector.flush());
  const auto& buckets = statistics.added.at(2).buckets;
  EXPECT_EQ(buckets.at("films"), (BucketWork{7, 1, 0}));
  EXPECT_EQ(buckets.at("series"), (BucketWork{0, 1, 1}));
}

TEST(StatisticsCollector, WhatWasNotWrittenIsWrittenOnceLater) {
  BrokenStatistics statistics;
  StatisticsCollector collector(statistics);
  for (const AccountId account : {1, 2}) {
    collector.sent(account, "films", 10);
    collector.failed(account, "films", Errc::network, true);
  }
  statistics.fails = true;
  EXPECT_FALSE(collector.flush());
  EXPECT_EQ(statistics.added.at(1).bytes_sent, 10);
  collector.sent(1, "films", 1);
  collector.sent(2, "films", 1);
  statistics.fails = false;
  ASSERT_TRUE(collector.flush());
  EXPECT_EQ(statistics.added.at(1).bytes_sent, 1);
  EXPECT_EQ(statistics.added.at(2).bytes_sent, 11);
  EXPECT_EQ(statistics.added.at(2).errors.at(Errc::network), (ErrorSums{1, 0}));
}

}  // namespace
}  // namespace vodlift
