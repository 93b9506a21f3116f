// What waits: how many uploads are ready at each priority, and since when.
#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using std::chrono::seconds;

class QueueStateConformance : public StoreSuite {
 protected:
  UploadId add(AccountId account, const std::string& destination, int priority, std::int64_t size) {
    NewUpload upload = new_upload(destination, priority);
    upload.account = account;
    upload.size = size;
    return insert(upload).id;
  }
  QueueState all() { return uploads().queue({}).value(); }
  QueueState of(AccountId account) { return uploads().queue(account).value(); }
};

TEST_P(QueueStateConformance, NothingWaitsAtFirst) {
  EXPECT_EQ(all(), QueueState());
  EXPECT_EQ(of(7), QueueState());
}

TEST_P(QueueStateConformance, ReadyUploadsByPriority) {
  constexpr std::int64_t kLarge = std::int64_t{1} << 30;
  const WallTime first = clock_.now();
  add(7, "a", 5, 10);
  clock_.advance(seconds(10));
  add(158, "b", 5, kLarge);
  add(158, "c", 9, 30);
  add(158, "d", 5, 40);
  const WallTime second = clock_.now();
  EXPECT_EQ(all(), (QueueState{{{9, 1, 30, second}, {5, 3, kLarge + 50, first}}, first}));
  EXPECT_EQ(of(7), (QueueState{{{5, 1, 10, first}}, first}));
  EXPECT_EQ(of(158), (QueueState{{{9, 1, 30, second}, {5, 2, kLarge + 40, second}}, second}));
  EXPECT_EQ(of(159), QueueState());
}

TEST_P(QueueStateConformance, WhatIsNotReadyIsQueuedAllTheSame) {
  const WallTime begin = clock_.now();
  add(kAccount, "a", 5, 1000);
  add(kAccount, "a", 5, 1000);
  EXPECT_EQ(all(), (QueueState{{{5, 1, 1000, begin}}, begin})) << "the second waits for the first";
  ClaimedUpload claimed = claim_one();
  EXPECT_EQ(all(), (QueueState{{}, begin}));
  Requeue later;
  later.delay = seconds(30);
  ASSERT_TRUE(requeue(claimed.lease, later));
  EXPECT_EQ(all(), (QueueState{{}, begin})) << "it waits for its next attempt";
  for (const UploadId id : {1, 2}) {
    ChangeRequest request;
    request.account = kAccount;
    request.id = id;
    request.change = UploadChange::pause;
    ASSERT_EQ(uploads().change(request).value().refusal, std::nullopt);
  }
  EXPECT_EQ(all(), QueueState());
}

TEST_P(QueueStateConformance, NoMoreAreLookedAtThanThat) {
  for (int i = 0; i < kMostReadyLookedAt; ++i) add(kAccount, std::to_string(i), 5, 1);
  EXPECT_TRUE(all().ready.at(0).complete);
  add(kAccount + 1, "more", 5, 1);
  for (const QueueState& state : {all(), of(kAccount)}) {
    EXPECT_EQ(state.ready.at(0).uploads, kMostReadyLookedAt);
    EXPECT_EQ(state.ready.at(0).bytes, kMostReadyLookedAt);
  }
  EXPECT_FALSE(all().ready.at(0).complete);
  EXPECT_TRUE(of(kAccount).ready.at(0).complete);
}

TEST_P(QueueStateConformance, OfTooManyAccountsNoneIsTheOldest) {
  for (AccountId account = 1; account <= kMostQueuesLookedAt; ++account) add(account, "a", 5, 1);
  EXPECT_EQ(all().oldest, clock_.now());
  add(kMostQueuesLookedAt + 1, "a", 5, 1);
  EXPECT_EQ(all().oldest, std::nullopt);
  EXPECT_EQ(of(1).oldest, clock_.now());
}

VODLIFT_INSTANTIATE_CONFORMANCE(QueueStateConformance);

}  // namespace
}  // namespace vodlift::conformance
