#include "worker/end_recorder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "worker/fakes_test.h"
#include "worker/watched_ports_test.h"

namespace vodlift::worker {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr steady_clock::time_point kNow{1h};
constexpr auto kNever = steady_clock::time_point::max();

class EndRecorderTest : public testing::Test {
 protected:
  EndRecorderTest() {
    queue_.hold_ends();
    queue_.before["renew"] = [this]() -> Result<> {
      ++renewals_;
      return {};
    };
  }

  // A run that has left its slot.
  std::shared_ptr<ActiveRun> new_run(std::int64_t size = 1) {
    auto run = std::make_shared<ActiveRun>();
    run->claimed = stores_.claim(stores_.insert(size));
    EXPECT_TRUE(leases_.add(run));
    leases_.leave_slot(*run);
    return run;
  }
  static UploadEnding completed(std::int64_t size) {
    UploadEnding ending;
    ending.size = size;
    return ending;
  }
  Upload look(const ActiveRun& run) { return stores_.look(run.claimed.lease.id); }
  // Whether a lease is still renewed.
  bool renews() {
    const int before = renewals_;
    EXPECT_TRUE(leases_.renew());
    return renewals_ > before;
  }
  // How many large uploads of another account begin before one of kAccount.
  static std::ptrdiff_t sits_out(const FairShare& share) {
    Candidates candidates;
    for (const AccountId account : {kAccount, kAccount + 1}) {
      Candidate& one = candidates.accounts.emplace_back();
      one.priority = UploadRequest().priority;
      one.account = account;
      for (int i = 0; i < 20; ++i) one.large.push_back({account * 100 + i, kQuantumBytes});
    }
    const auto picks = share.choose(candidates, {40, 40}).picks;
    return std::ranges::find(picks, kAccount, &FairShare::Pick::account) - picks.begin();
  }

  Stores stores_;
  WatchedQueue queue_{stores_.node.queue};
  LeaseKeeper leases_{queue_};
  int renewals_ = 0;
  int woken_ = 0;
  FairShare share_;
  memory::MemoryStatistics statistics_{stores_.database};
  StatisticsCollector collector_{statistics_};
  EndRecorder recorder_{queue_, leases_, share_, 2, [this] { ++woken_; }, &collector_};
};

TEST_F(EndRecorderTest, AnEndIsReleasedWhenTheQueueHasIt) {
  const auto run = new_run();
  recorder_.record(run, completed(5));
  EXPECT_EQ(recorder_.serve(kNow), kNever);
  EXPECT_TRUE(renews());
  EXPECT_FALSE(recorder_.idle());
  queue_.answer();
  EXPECT_EQ(woken_, 1);
  EXPECT_EQ(look(*run).state, UploadState::completed);
  EXPECT_EQ(look(*run).size, 5);
  EXPECT_EQ(recorder_.serve(kNow), kNever);
  EXPECT_FALSE(renews());
  EXPECT_TRUE(recorder_.idle());
}

TEST_F(EndRecorderTest, NotesForTheStatisticsWhatEndedAndHow) {
  const auto ends = [this](const RunEnd& end, std::int64_t part_bytes = 0) {
    const auto run = new_run(10);
    run->control.sent(part_bytes);
    recorder_.record(run, end);
    queue_.answer();
    recorder_.serve(kNow);
    EXPECT_TRUE(collector_.flush());
    return statistics_.series({.account = kAccount}).value().back();
  };
  UploadEnding sent = completed(10);
  sent.acl_applied = Acl::private_acl;
  EXPECT_EQ(ends(sent).bytes_sent, 10);
  EXPECT_EQ(ends(sent, 4).bytes_sent, 16) << "the parts are noted by whoever sends them";
  EXPECT_EQ(ends(completed(10)).bytes_sent, 16) << "an object that was there is kept";
  UploadEnding failed;
  failed.state = UploadState::failed;
  failed.error = UploadError{Errc::network, "it did not work", true};
  EXPECT_EQ(ends(failed).errors[Errc::network], (ErrorSums{1, 0}));
  EXPECT_EQ(ends(Requeue{1s, failed.error}).errors[Errc::network], (ErrorSums{1, 1}));
  EXPECT_EQ(ends(Requeue{}).errors.size(), 1U);
}

TEST_F(EndRecorderTest, WithoutRoomInTheDatabaseItIsRepeatedUntilThereIsSome) {
  for (const Errc code : {Errc::store_failed, Errc::overloaded}) {
    const auto run = new_run();
    recorder_.record(run, completed(5));
    for (int i = 0; i < 10; ++i) {
      queue_.answer(Error{code, "full"});
      EXPECT_EQ(recorder_.serve(kNow + i * 1h), kNow + i * 1h + kBetweenRecordings);
      recorder_.serve(kNow + i * 1h + kBetweenRecordings - 1ms);
      EXPECT_EQ(queue_.held(), 0) << "not before its time";
      recorder_.serve(kNow + i * 1h + kBetweenRecordings);
      EXPECT_EQ(queue_.held(), 1);
      EXPECT_TRUE(renews());
    }
    queue_.answer();
    recorder_.serve(kNow);
    EXPECT_EQ(look(*run).state, UploadState::completed);
    EXPECT_FALSE(renews());
  }
}

TEST_F(EndRecorderTest, ATurnIsSettledOnceHoweverOftenItsEndIsHandedOver) {
  constexpr std::int64_t kSize = 100 * kQuantumBytes;
  constexpr std::int64_t kSent = 5 * kQuantumBytes;
  const auto run = new_run(kSize);
  run->control.sent(kSent);
  recorder_.record(run, Requeue{});
  for (int i = 0; i < 3; ++i) {
    queue_.answer(Error{Errc::overloaded, "full"});
    recorder_.serve(kNow + i * 1h);
    recorder_.serve(kNow + i * 1h + kBetweenRecordings);
    EXPECT_EQ(sits_out(share_), sits_out(FairShare())) << "it is not recorded yet";
  }
  queue_.answer();
  for (int i = 0; i < 3; ++i) recorder_.serve(kNow + 10h);
  FairShare settled_once;
  settled_once.settle(UploadRequest().priority, kAccount, kSent - charge_for(kSize));
  EXPECT_EQ(sits_out(share_), sits_out(settled_once));
  EXPECT_GT(sits_out(settled_once), sits_out(FairShare()));
}

TEST_F(EndRecorderTest, ATurnWhoseEndIsRefusedIsNotSettled) {
  const auto run = new_run(100 * kQuantumBytes);
  run->control.sent(5 * kQuantumBytes);
  ASSERT_TRUE(stores_.requeue(run->claimed.lease));
  recorder_.record(run, Requeue{});
  queue_.answer();
  recorder_.serve(kNow);
  EXPECT_TRUE(recorder_.idle());
  EXPECT_EQ(sits_out(share_), sits_out(FairShare()));
}

TEST_F(EndRecorderTest, ARunThatWasToldToEndGetsOneLastTry) {
  const auto run = new_run();
  recorder_.record(run, completed(5));
  queue_.answer(disk_full());
  recorder_.serve(kNow);
  run->control.end({Errc::lease_lost, "the lease expired"});
  recorder_.serve(kNow + kBetweenRecordings);
  ASSERT_EQ(queue_.held(), 1);
  queue_.answer(disk_full());
  EXPECT_EQ(recorder_.serve(kNow + 1h), kNever);
  EXPECT_EQ(queue_.held(), 0);
  EXPECT_TRUE(recorder_.idle());
  EXPECT_FALSE(renews());
}

TEST_F(EndRecorderTest, AnyOtherRefusalIsFinal) {
  const auto run = new_run();
  ASSERT_TRUE(stores_.requeue(run->claimed.lease));
  recorder_.record(run, completed(5));
  queue_.answer();
  EXPECT_EQ(recorder_.serve(kNow), kNever);
  EXPECT_TRUE(recorder_.idle());
  EXPECT_EQ(look(*run).state, UploadState::queued) << "the lease was lost";
}

TEST_F(EndRecorderTest, AnUploadThatWaitsAgainIsRecordedTheSameWay) {
  const auto run = new_run();
  recorder_.record(run, Requeue{1min, std::nullopt, true});
  queue_.answer(disk_full());
  EXPECT_EQ(recorder_.serve(kNow), kNow + kBetweenRecordings);
  EXPECT_EQ(look(*run).state, UploadState::uploading);
  recorder_.serve(kNow + kBetweenRecordings);
  queue_.answer();
  recorder_.serve(kNow + kBetweenRecordings);
  EXPECT_EQ(look(*run).state, UploadState::queued);
  EXPECT_EQ(look(*run).next_attempt, stores_.clock.now() + 1min);
  EXPECT_EQ(stores_.claim(run->claimed.lease.id).upload.attempts, 2) << "the attempt counts as failed";
  EXPECT_TRUE(recorder_.idle());
}

// Two may be under way. A slot that waits for room before each end makes it two, without an answer to the first of
// them, and never three.
TEST_F(EndRecorderTest, HoldsNobodyUpWhileThereIsRoom) {
  constexpr std::size_t kEnds = 100;
  std::vector<std::shared_ptr<ActiveRun>> runs;
  while (runs.size() < kEnds) runs.push_back(new_run());
  std::mutex mutex;  // guards the queue and the next two
  std::condition_variable recorded;
  std::size_t most = 0;
  std::size_t answered = 0;
  std::thread slot([&] {
    for (const auto& run : runs) {
      recorder_.wait_for_room();
      {
        const std::lock_guard lock(mutex);
        recorder_.record(run, completed(1));
        most = std::max(most, queue_.held());
      }
      recorded.notify_one();
    }
  });
  while (answered < kEnds) {
    std::unique_lock lock(mutex);
    recorded.wait(lock, [&] { return queue_.held() >= 2 || answered + queue_.held() == kEnds; });
    EXPECT_FALSE(recorder_.idle());
    answered += queue_.held();
    queue_.answer();
    recorder_.serve(kNow);
  }
  slot.join();
  EXPECT_EQ(most, 2);
  EXPECT_TRUE(recorder_.idle());
  for (const auto& run : runs) EXPECT_EQ(look(*run).state, UploadState::completed);
}

}  // namespace
}  // namespace vodlift::worker
