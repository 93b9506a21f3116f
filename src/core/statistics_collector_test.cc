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

  bool fails = false;
  int calls = 0;
  Collected added;
};

TEST(StatisticsCollector, WritesSumsOfEachAccount) {
  BrokenStatistics statistics;
  StatisticsCollector collector(statistics);
  collector.sent(1, 10);
  collector.sent(1, 5);
  collector.failed(2, Errc::network, true);
  collector.failed(2, Errc::network, false);
  ASSERT_TRUE(collector.flush());
  EXPECT_EQ(statistics.added.at(1).bytes_sent, 15);
  EXPECT_EQ(statistics.added.at(2).errors.at(Errc::network), (ErrorSums{1, 1}));
  statistics.added.clear();
  ASSERT_TRUE(collector.flush());
  EXPECT_EQ(statistics.calls, 2) << "what is queued and has ended the store counts itself";
  EXPECT_TRUE(statistics.added.empty());
}

TEST(StatisticsCollector, WhatWasNotWrittenIsWrittenOnceLater) {
  BrokenStatistics statistics;
  StatisticsCollector collector(statistics);
  for (const AccountId account : {1, 2}) {
    collector.sent(account, 10);
    collector.failed(account, Errc::network, true);
  }
  statistics.fails = true;
  EXPECT_FALSE(collector.flush());
  EXPECT_EQ(statistics.added.at(1).bytes_sent, 10);
  collector.sent(1, 1);
  collector.sent(2, 1);
  statistics.fails = false;
  ASSERT_TRUE(collector.flush());
  EXPECT_EQ(statistics.added.at(1).bytes_sent, 1);
  EXPECT_EQ(statistics.added.at(2).bytes_sent, 11);
  EXPECT_EQ(statistics.added.at(2).errors.at(Errc::network), (ErrorSums{1, 0}));
}

}  // namespace
}  // namespace vodlift
