// Statistics over time: what is added to which slot, and how long it is kept.
#include <algorithm>

#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class StatisticsConformance : public StoreSuite {
 protected:
  void SetUp() override {
    StoreSuite::SetUp();
    // The middle of an hour and of a day.
    const WallTime day = slot_begin(Resolution::day, clock_.now());
    clock_.advance(day + hours(36) + minutes(30) - clock_.now());
  }

  void add(Collected collected = {}) {
    ASSERT_TRUE(statistics().add(collected));
    EXPECT_TRUE(collected.empty());
  }

  std::vector<StatisticsSlot> series(AccountId account = kAllAccounts, Resolution resolution = Resolution::minute) {
    return statistics().series({account, resolution, {}}).value();
  }
  StatisticsSlot now_of(AccountId account = kAllAccounts, Resolution resolution = Resolution::minute) {
    return series(account, resolution).back();
  }

  void end(const UploadEnding& ending, AccountId account = kAccount) {
    NewUpload upload = new_upload("a");
    upload.account = account;
    insert(upload);
    ASSERT_TRUE(finish(claim_one().lease, ending));
  }

  static Collected sent(AccountId account, std::int64_t bytes) { return {{account, {.bytes_sent = bytes}}}; }
};

TEST_P(StatisticsConformance, EachRingHasItsSlots) {
  EXPECT_EQ(series().size(), 120U);
  EXPECT_EQ(series(kAccount, Resolution::hour).size(), 192U);
  EXPECT_EQ(series(kAccount, Resolution::day).size(), 731U);
  EXPECT_EQ(series(kAccount, Resolution::hour).back().begins, clock_.now() - minutes(30));
  const auto two = statistics().series({kAllAccounts, Resolution::minute, clock_.now() - seconds(60)}).value();
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two[0].begins + minutes(1), two[1].begins);
  EXPECT_EQ(two[1], StatisticsSlot{.begins = clock_.now()});
}

TEST_P(StatisticsConformance, WhatIsAddedIsInTheSlotsOfNow) {
  add(sent(kAccount, 100));
  clock_.advance(seconds(10));
  Collected more = sent(kAccount, 20);
  more[kAccount].errors[Errc::network] = {1, 2};
  more[kAccount + 1].bytes_sent = 3;
  add(more);
  add({{kAccount, {.errors = {{Errc::network, {0, 1}}, {Errc::timeout, {1, 0}}}}}});
  for (const Resolution resolution : {Resolution::minute, Resolution::hour, Resolution::day}) {
    EXPECT_EQ(now_of(kAccount, resolution).bytes_sent, 120);
    EXPECT_EQ(now_of(kAccount + 1, resolution).bytes_sent, 3);
    EXPECT_EQ(now_of(kAllAccounts, resolution).bytes_sent, 123);
    const std::map<Errc, ErrorSums> errors = {{Errc::network, {1, 3}}, {Errc::timeout, {1, 0}}};
    EXPECT_EQ(now_of(kAccount, resolution).errors, errors);
    EXPECT_EQ(now_of(kAllAccounts, resolution).errors, errors);
  }
  EXPECT_EQ(series()[118], StatisticsSlot{.begins = series()[118].begins});
  clock_.advance(minutes(1));
  add(sent(kAccount, 7));
  EXPECT_EQ(now_of(kAccount).bytes_sent, 7);
  EXPECT_EQ(series(kAccount)[118].bytes_sent, 120);
  EXPECT_EQ(now_of(kAccount, Resolution::hour).bytes_sent, 127);
  EXPECT_EQ(now_of(kAccount + 2).bytes_sent, 0);
  reopen();
  EXPECT_EQ(now_of(kAccount, Resolution::hour).bytes_sent, 127);
}

TEST_P(StatisticsConformance, EachEndIsCountedOnce) {
  end(completed());
  end(completed(), kAccount + 1);
  end(failed());
  const UploadId cancelled = insert("b");
  ChangeRequest request;
  request.account = kAccount;
  request.id = cancelled;
  ASSERT_TRUE(uploads().change(request));
  add();
  add();
  EXPECT_EQ(now_of(kAccount).completed, 1);
  EXPECT_EQ(now_of(kAccount).failed, 1);
  EXPECT_EQ(now_of(kAccount).cancelled, 1);
  EXPECT_EQ(now_of().completed, 2);
  reopen();
  end(completed());
  add();
  EXPECT_EQ(now_of().completed, 3);
  EXPECT_EQ(now_of(kAccount).completed, 2);
  EXPECT_EQ(now_of(kAccount).failed, 1);
}

TEST_P(StatisticsConformance, WhatIsQueuedIsTheMostOfASlot) {
  insert("a");
  clock_.advance(seconds(20));
  insert("b");
  NewUpload other = new_upload("c");
  other.account = kAccount + 1;
  insert(other);
  clock_.advance(seconds(5));
  add();
  EXPECT_EQ(now_of(kAccount).most_queued, 2);
  EXPECT_EQ(now_of(kAccount).longest_wait, seconds(25));
  EXPECT_EQ(now_of(kAccount + 1).most_queued, 1);
  EXPECT_EQ(now_of(kAccount + 1).longest_wait, seconds(5));
  EXPECT_EQ(now_of().most_queued, 3);
  EXPECT_EQ(now_of().longest_wait, seconds(25));
  claim(100);
  clock_.advance(seconds(10));
  add(sent(kAccount, 1));
  EXPECT_EQ(now_of().most_queued, 3) << "it was so in this slot";
  clock_.advance(minutes(1));
  add(sent(kAccount, 1));
  EXPECT_EQ(now_of().most_queued, 0);
}

TEST_P(StatisticsConformance, OlderSlotsAreForgotten) {
  add(sent(kAccount, 1));
  clock_.advance(minutes(119));
  add(sent(kAccount, 2));
  EXPECT_EQ(series(kAccount).front().bytes_sent, 1);
  clock_.advance(minutes(1));
  EXPECT_EQ(series(kAccount).front().bytes_sent, 0);
  add(sent(kAccount, 4));
  clock_.advance(minutes(-1));
  EXPECT_EQ(series(kAccount).front().bytes_sent, 0) << "it is gone, not only left out";
  std::int64_t all = 0;
  for (const StatisticsSlot& slot : series(kAccount, Resolution::hour)) all += slot.bytes_sent;
  EXPECT_EQ(all, 7);
}

TEST_P(StatisticsConformance, ManyAccountsAreCountedTogetherUntilOneIsIdle) {
  Collected many;
  for (AccountId account = 1; account <= kMostRings; ++account) many[account].bytes_sent = 1;
  add(many);
  clock_.advance(hours(2));
  many.erase(7);
  many[5000].bytes_sent = 10;
  many[5001].bytes_sent = 20;
  add(many);
  EXPECT_EQ(now_of(5000).bytes_sent, 0);
  EXPECT_EQ(now_of(kOtherAccounts).bytes_sent, 30);
  EXPECT_EQ(now_of().bytes_sent, kMostRings - 1 + 30);
  clock_.advance(hours(23));
  add(sent(5000, 40));
  EXPECT_EQ(now_of(5000).bytes_sent, 40) << "account 7 was idle for a day";
  EXPECT_EQ(series(7, Resolution::day).back().bytes_sent + series(7, Resolution::day)[729].bytes_sent, 0);
}

TEST_P(StatisticsConformance, TheBusiestAccountsOfTheLastHours) {
  EXPECT_TRUE(statistics().busiest(clock_.now()).value().empty());
  add(sent(1, 100));
  clock_.advance(hours(1));
  end(completed(), 2);
  Collected more = sent(1, 50);
  more[3].bytes_sent = 120;
  more[4].errors[Errc::network] = {0, 7};
  add(more);
  const std::vector<AccountSums> all = {{1, 150, 0, 0, 0}, {3, 120, 0, 0, 0}, {2, 0, 1, 0, 0}};
  EXPECT_EQ(statistics().busiest(clock_.now() - hours(1)).value(), all);
  const std::vector<AccountSums> last = {{3, 120, 0, 0, 0}, {1, 50, 0, 0, 0}, {2, 0, 1, 0, 0}};
  EXPECT_EQ(statistics().busiest(clock_.now()).value(), last);
  for (AccountId account = 10; account < 40; ++account) more[account].bytes_sent = account;
  add(more);
  const auto most = statistics().busiest(clock_.now()).value();
  ASSERT_EQ(std::ssize(most), kMostBusiest);
  EXPECT_EQ(most.back().account, 22) << "39 to 22 are 18, and two sent more";
}

TEST_P(StatisticsConformance, AccountsWithoutRingsAreBusyTogether) {
  Collected many;
  for (AccountId account = 1; account <= kMostRings + 2; ++account) many[account].bytes_sent = 1;
  many[kMostRings + 1].bytes_sent = 10;
  add(many);
  EXPECT_EQ(statistics().busiest(clock_.now()).value().front(), (AccountSums{kOtherAccounts, 11, 0, 0, 0}));
}

Collected done(AccountId account, const std::string& bucket, const BucketWork& work) {
  Collected collected;
  collected[account].buckets[bucket] = work;
  return collected;
}

TEST_P(StatisticsConformance, WhatWasDoneForEachBucketInADay) {
  using Found = std::vector<BucketSums>;
  EXPECT_EQ(statistics().busiest_buckets(kAllAccounts, clock_.now()).value(), Found());
  add(done(1, "films", {100, 1, 0}));
  clock_.advance(hours(1));
  Collected more = done(1, "films", {50, 2, 1});
  more[1].buckets["series"] = {0, 0, 3};
  more[2].buckets["films"] = {120, 0, 0};
  add(more);
  add(done(2, "films", {1, 1, 1}));
  const WallTime both = clock_.now() - hours(1);
  EXPECT_EQ(statistics().busiest_buckets(kAllAccounts, both).value(),
            (Found{{1, "films", {150, 3, 1}}, {2, "films", {121, 1, 1}}, {1, "series", {0, 0, 3}}}));
  EXPECT_EQ(statistics().busiest_buckets(1, both).value(),
            (Found{{1, "films", {150, 3, 1}}, {1, "series", {0, 0, 3}}}));
  EXPECT_EQ(statistics().busiest_buckets(1, clock_.now()).value(),
            (Found{{1, "films", {50, 2, 1}}, {1, "series", {0, 0, 3}}}));
  reopen();
  EXPECT_EQ(statistics().busiest_buckets(2, both).value(), (Found{{2, "films", {121, 1, 1}}}));
  clock_.advance(hours(kBucketHours - 1));
  add(done(3, "films", {1, 0, 0}));
  EXPECT_EQ(statistics().busiest_buckets(1, {}).value().front(), (BucketSums{1, "films", {50, 2, 1}}))
      << "the hour before it is gone";
}

TEST_P(StatisticsConformance, ManyBucketsAreCountedTogether) {
  Collected many;
  for (int bucket = 0; bucket < kMostBuckets; ++bucket) many[1].buckets[std::to_string(bucket)] = {1, 0, 0};
  add(many);
  Collected more = done(1, "7", {100, 0, 0});
  more[1].buckets["other"] = {20, 1, 0};
  more[2].buckets["another"] = {30, 0, 1};
  add(more);
  const auto found = statistics().busiest_buckets(kAllAccounts, clock_.now()).value();
  ASSERT_EQ(std::ssize(found), kMostBusiest);
  EXPECT_EQ(found[0], (BucketSums{1, "7", {101, 0, 0}}));
  EXPECT_EQ(found[1], (BucketSums{kOtherAccounts, "", {50, 1, 1}}));
  clock_.advance(hours(1));
  add(done(2, "another", {5, 0, 0}));
  EXPECT_EQ(statistics().busiest_buckets(kAllAccounts, clock_.now()).value().front(),
            (BucketSums{2, "another", {5, 0, 0}}))
      << "each hour has room again";
}

VODLIFT_INSTANTIATE_CONFORMANCE(StatisticsConformance);

}  // namespace
}  // namespace vodlift::conformance
