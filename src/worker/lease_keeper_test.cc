#include "worker/lease_keeper.h"

#include <gtest/gtest.h>

#include "worker/fakes_test.h"
#include "worker/watched_ports_test.h"

namespace vodlift::worker {
namespace {

using namespace std::chrono_literals;

Errc reason(const ActiveRun& run) {
  const auto ended = run.control.ended();
  return ended ? ended->code : Errc{};
}

class LeaseKeeperTest : public testing::Test {
 protected:
  // A run of an upload that is claimed for it.
  std::shared_ptr<ActiveRun> run_of(UploadId id) {
    auto run = std::make_shared<ActiveRun>();
    run->claimed = stores_.claim(id);
    return run;
  }
  std::shared_ptr<ActiveRun> new_run(std::int64_t size = 1) { return run_of(stores_.insert(size)); }
  // How many leases expire now.
  int expired() { return stores_.other.queue.rescue(3).value(); }

  Stores stores_;
  WatchedQueue queue_{stores_.node.queue};
  LeaseKeeper leases_{queue_};
};

TEST_F(LeaseKeeperTest, OneRunOfAnUploadIsInASlot) {
  const auto first = new_run();
  ASSERT_TRUE(stores_.requeue(first->claimed.lease));
  const auto second = run_of(first->claimed.lease.id);
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
  const auto grown = new_run();
  leases_.add(grown);
  leases_.add(new_run(kLargeUploadBytes + 1));
  EXPECT_EQ(leases_.taken().large, 1);
  grown->control.found_size(kLargeUploadBytes + 1);
  EXPECT_EQ(leases_.taken().large, 2);
}

TEST_F(LeaseKeeperTest, LeasesAreRenewedUntilTheEndIsRecorded) {
  const auto run = new_run();
  leases_.add(run);
  leases_.leave_slot(*run);
  stores_.clock.pass(kLease - 1ms);
  EXPECT_TRUE(leases_.renew());
  stores_.clock.pass(kLease - 1ms);
  EXPECT_EQ(expired(), 0);
  EXPECT_FALSE(run->control.ended());
  leases_.release(*run);
  EXPECT_TRUE(leases_.renew());
  stores_.clock.pass(1ms);
  EXPECT_EQ(expired(), 1);
}

TEST_F(LeaseKeeperTest, ALostLeaseEndsItsRunAndARecalledOneToo) {
  const auto kept = new_run();
  const auto lost = new_run();
  const auto recalled = new_run();
  const auto older = new_run();
  for (const auto& run : {kept, lost, recalled, older}) leases_.add(run);
  ASSERT_TRUE(stores_.requeue(lost->claimed.lease));
  stores_.change(recalled->claimed.lease.id, UploadChange::pause);
  // Its end is not recorded yet, and the upload runs here again.
  leases_.leave_slot(*older);
  ASSERT_TRUE(stores_.requeue(older->claimed.lease));
  const auto newer = run_of(older->claimed.lease.id);
  leases_.add(newer);
  EXPECT_TRUE(leases_.renew());
  EXPECT_EQ(reason(*kept), Errc{});
  EXPECT_EQ(reason(*lost), Errc::lease_lost);
  EXPECT_TRUE(*lost->control.cut()) << "another node may send it by now";
  EXPECT_EQ(reason(*recalled), Errc::interrupted);
  EXPECT_TRUE(recalled->control.cut()->load());
  EXPECT_EQ(reason(*older), Errc::lease_lost) << "the fence counts too";
  EXPECT_EQ(reason(*newer), Errc{});
}

TEST_F(LeaseKeeperTest, WhileLeasesLastAFailedRenewalEndsNothing) {
  const auto run = new_run();
  leases_.add(run);
  queue_.before["renew"] = [] { return Result<>(disk_full()); };
  EXPECT_FALSE(leases_.renew());
  EXPECT_FALSE(run->control.ended());
}

TEST_F(LeaseKeeperTest, ARecallCutsOffTheRunOfThatUpload) {
  const auto run = new_run();
  leases_.add(run);
  leases_.recall(run->claimed.lease.id + 1);
  EXPECT_FALSE(run->control.ended());
  leases_.recall(run->claimed.lease.id);
  EXPECT_EQ(reason(*run), Errc::interrupted);
  EXPECT_TRUE(run->control.cut()->load());
}

}  // namespace
}  // namespace vodlift::worker
