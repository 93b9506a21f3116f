#include "worker/lease_keeper.h"

#include <gtest/gtest.h>

#include "worker/fakes_test.h"

namespace vodlift::worker {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<ActiveRun> run_of(UploadId id, std::int64_t fence, std::int64_t size = 1) {
  auto run = std::make_shared<ActiveRun>();
  run->claimed.lease = {id, fence};
  run->claimed.upload.id = id;
  run->claimed.upload.size = size;
  return run;
}

Errc reason(const ActiveRun& run) {
  const auto ended = run.control.ended();
  return ended ? ended->code : Errc{};
}

// A queue whose renewals are scripted.
class Renewals final : public MemoryUploads {
 public:
  Result<std::vector<HeldLease>> renew(const std::vector<Lease>& leases, std::chrono::milliseconds) override {
    asked = leases;
    return answer;
  }
  std::vector<Lease> asked;
  Result<std::vector<HeldLease>> answer = std::vector<HeldLease>();
};

class LeaseKeeperTest : public testing::Test {
 protected:
  Renewals queue_;
  LeaseKeeper leases_{queue_};
};

TEST_F(LeaseKeeperTest, OneRunOfAnUploadIsInASlot) {
  const auto first = run_of(1, 1);
  const auto second = run_of(1, 2);
  EXPECT_TRUE(leases_.add(first));
  EXPECT_FALSE(leases_.add(second));
  EXPECT_EQ(reason(*first), Errc::lease_lost);
  leases_.leave_slot(*second);
  EXPECT_EQ(leases_.taken().all, 1) << "the second never was in one";
  leases_.leave_slot(*first);
  EXPECT_EQ(leases_.taken().all, 0);
  EXPECT_TRUE(leases_.add(second)) << "the first is over, though its end is not recorded yet";
}

TEST_F(LeaseKeeperTest, LargeRunsAreCountedByWhatTheyFound) {
  const auto grown = run_of(1, 1);
  leases_.add(grown);
  leases_.add(run_of(2, 1, kLargeUploadBytes + 1));
  EXPECT_EQ(leases_.taken().large, 1);
  grown->control.found_size(kLargeUploadBytes + 1);
  EXPECT_EQ(leases_.taken().large, 2);
}

TEST_F(LeaseKeeperTest, LeasesAreRenewedUntilTheEndIsRecorded) {
  const auto run = run_of(1, 1);
  leases_.add(run);
  leases_.leave_slot(*run);
  queue_.answer = std::vector<HeldLease>{{{1, 1}, false}};
  EXPECT_TRUE(leases_.renew());
  EXPECT_EQ(queue_.asked.size(), 1);
  EXPECT_FALSE(run->control.ended());
  leases_.release(*run);
  queue_.asked.clear();
  EXPECT_TRUE(leases_.renew());
  EXPECT_TRUE(queue_.asked.empty());
}

TEST_F(LeaseKeeperTest, ALostLeaseEndsItsRunAndARecalledOneToo) {
  const auto kept = run_of(1, 1);
  const auto lost = run_of(2, 1);
  const auto recalled = run_of(3, 1);
  const auto newer = run_of(4, 2);
  for (const auto& run : {kept, lost, recalled, newer}) leases_.add(run);
  queue_.answer = std::vector<HeldLease>{{{1, 1}, false}, {{3, 1}, true}, {{4, 1}, false}};
  EXPECT_TRUE(leases_.renew());
  EXPECT_EQ(reason(*kept), Errc{});
  EXPECT_EQ(reason(*lost), Errc::lease_lost);
  EXPECT_EQ(reason(*recalled), Errc::interrupted);
  EXPECT_TRUE(recalled->control.cut()->load());
  EXPECT_EQ(reason(*newer), Errc::lease_lost) << "the fence counts too";
}

TEST_F(LeaseKeeperTest, WhileLeasesLastAFailedRenewalEndsNothing) {
  const auto run = run_of(1, 1);
  leases_.add(run);
  queue_.answer = Error{Errc::store_failed, "disk full"};
  EXPECT_FALSE(leases_.renew());
  EXPECT_FALSE(run->control.ended());
}

TEST_F(LeaseKeeperTest, ARecallCutsOffTheRunOfThatUpload) {
  const auto run = run_of(1, 2);
  leases_.add(run);
  leases_.recall(2);
  EXPECT_FALSE(run->control.ended());
  leases_.recall(1);
  EXPECT_EQ(reason(*run), Errc::interrupted);
  EXPECT_TRUE(run->control.cut()->load());
}

}  // namespace
}  // namespace vodlift::worker
