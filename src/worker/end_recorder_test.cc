#include "worker/end_recorder.h"

#include <gtest/gtest.h>

#include <future>

#include "worker/fakes_test.h"

namespace vodlift::worker {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr steady_clock::time_point kNow{1h};

// A queue that answers when the test says so.
class SlowUploads final : public MemoryUploads {
 public:
  void finish(const Lease&, UploadEnding, Done done) override { asked.push_back(std::move(done)); }
  void answer(const Result<>& outcome = {}) {
    for (const auto& done : std::exchange(asked, {})) done(outcome);
  }
  std::vector<Done> asked;
};

class EndRecorderTest : public testing::Test {
 protected:
  std::shared_ptr<ActiveRun> run_of(UploadId id) {
    auto run = std::make_shared<ActiveRun>();
    run->claimed.lease = {id, 1};
    run->claimed.upload.id = id;
    EXPECT_TRUE(leases_.add(run));
    leases_.leave_slot(*run);
    return run;
  }
  static UploadEnding completed(std::int64_t size) {
    UploadEnding ending;
    ending.size = size;
    return ending;
  }
  // The leases that are still renewed.
  int held() {
    uploads_.renewed = 0;
    EXPECT_TRUE(leases_.renew());
    return uploads_.renewed;
  }

  SlowUploads uploads_;
  LeaseKeeper leases_{uploads_};
  int woken_ = 0;
  FairShare share_;
  EndRecorder recorder_{uploads_, leases_, share_, 2, [this] { ++woken_; }};
};

TEST_F(EndRecorderTest, AnEndIsReleasedWhenTheQueueHasIt) {
  recorder_.record(run_of(7), completed(5));
  EXPECT_EQ(recorder_.serve(kNow), steady_clock::time_point::max());
  EXPECT_EQ(held(), 1);
  EXPECT_FALSE(recorder_.idle());
  uploads_.answer();
  EXPECT_EQ(woken_, 1);
  EXPECT_EQ(recorder_.serve(kNow), steady_clock::time_point::max());
  EXPECT_EQ(held(), 0);
  EXPECT_TRUE(recorder_.idle());
}

TEST_F(EndRecorderTest, WithoutRoomInTheDatabaseItIsRepeatedUntilThereIsSome) {
  for (const Errc code : {Errc::store_failed, Errc::overloaded}) {
    recorder_.record(run_of(7), completed(5));
    for (int i = 0; i < 10; ++i) {
      uploads_.answer(Error{code, "full"});
      EXPECT_EQ(recorder_.serve(kNow + i * 1h), kNow + i * 1h + kBetweenRecordings);
      recorder_.serve(kNow + i * 1h + kBetweenRecordings - 1ms);
      EXPECT_TRUE(uploads_.asked.empty()) << "not before its time";
      recorder_.serve(kNow + i * 1h + kBetweenRecordings);
      EXPECT_EQ(uploads_.asked.size(), 1);
      EXPECT_EQ(held(), 1);
    }
    uploads_.answer();
    recorder_.serve(kNow);
    EXPECT_EQ(held(), 0);
  }
}

TEST_F(EndRecorderTest, ARunThatWasToldToEndGetsOneLastTry) {
  const auto run = run_of(1);
  recorder_.record(run, completed(5));
  uploads_.answer(Error{Errc::store_failed, "full"});
  recorder_.serve(kNow);
  run->control.end({Errc::lease_lost, "the lease expired"});
  recorder_.serve(kNow + kBetweenRecordings);
  ASSERT_EQ(uploads_.asked.size(), 1);
  uploads_.answer(Error{Errc::store_failed, "full"});
  EXPECT_EQ(recorder_.serve(kNow + 1h), steady_clock::time_point::max());
  EXPECT_TRUE(uploads_.asked.empty());
  EXPECT_TRUE(recorder_.idle());
}

TEST_F(EndRecorderTest, AnyOtherRefusalIsFinal) {
  recorder_.record(run_of(1), completed(5));
  uploads_.answer(Error{Errc::lease_lost, "lost"});
  EXPECT_EQ(recorder_.serve(kNow), steady_clock::time_point::max());
  EXPECT_TRUE(recorder_.idle());
}

TEST_F(EndRecorderTest, AnUploadThatWaitsAgainIsRecordedTheSameWay) {
  uploads_.refusals["requeue"] = 1;
  recorder_.record(run_of(1), Requeue{1min, std::nullopt, true});
  EXPECT_EQ(recorder_.serve(kNow), kNow + kBetweenRecordings);
  EXPECT_FALSE(uploads_.requeued);
  recorder_.serve(kNow + kBetweenRecordings);
  ASSERT_TRUE(uploads_.requeued);
  EXPECT_EQ(uploads_.requeued->delay, 1min);
  EXPECT_TRUE(uploads_.requeued->failed_attempt);
  EXPECT_TRUE(recorder_.idle());
}

TEST_F(EndRecorderTest, HoldsNobodyUpWhileThereIsRoom) {
  recorder_.record(run_of(1), completed(1));
  recorder_.wait_for_room();
  recorder_.record(run_of(2), completed(1));
  auto waits = std::async(std::launch::async, [&] { recorder_.wait_for_room(); });
  EXPECT_EQ(uploads_.asked.size(), 2);
  uploads_.answer();
  recorder_.serve(kNow);
  waits.get();
}

}  // namespace
}  // namespace vodlift::worker
