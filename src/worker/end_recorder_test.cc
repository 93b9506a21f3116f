#include "worker/end_recorder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "worker/fakes_test.h"

namespace vodlift::worker {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<ActiveRun> run_of(UploadId id) {
  auto run = std::make_shared<ActiveRun>();
  run->claimed.lease = {id, 1};
  run->claimed.upload.id = id;
  return run;
}

UploadEnding ending_of(std::int64_t size) {
  UploadEnding ending;
  ending.size = size;
  return ending;
}

// Answers on another thread, when it is told to.
class SlowUploads final : public MemoryUploads {
 public:
  void finish_soon(const Lease&, UploadEnding, FinishDone done) override {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(done));
    ++asked;
  }
  void answer(const Result<>& outcome = {}) {
    std::vector<FinishDone> waiting;
    {
      const std::lock_guard lock(mutex_);
      waiting.swap(waiting_);
    }
    for (const auto& done : waiting) done(outcome);
  }
  std::atomic<int> asked = 0;

 private:
  std::mutex mutex_;
  std::vector<FinishDone> waiting_;
};

TEST(EndRecorderTest, ADatabaseWithoutRoomIsTriedAgain) {
  MemoryUploads uploads;
  uploads.refusals["finish"] = 2;
  std::atomic<int> settled = 0;
  EndRecorder recorder(uploads, 1, [&](const ActiveRun& run) { settled += static_cast<int>(run.claimed.lease.id); });
  recorder.start();
  recorder.record(run_of(7), ending_of(5));
  recorder.stop();
  ASSERT_TRUE(uploads.ending);
  EXPECT_EQ(uploads.ending->size, 5);
  EXPECT_EQ(uploads.refusals["finish"], 0);
  EXPECT_EQ(settled, 7) << "once";
}

TEST(EndRecorderTest, ToldToEndItTriesOnceMore) {
  MemoryUploads uploads;
  uploads.refusals["finish"] = 10;
  const auto run = run_of(1);
  uploads.on_refusal = [&] { run->control.end({Errc::lease_lost, "the lease ran out"}); };
  std::atomic<int> settled = 0;
  EndRecorder recorder(uploads, 1, [&](const ActiveRun&) { ++settled; });
  recorder.start();
  recorder.record(run, ending_of(5));
  recorder.stop();
  EXPECT_FALSE(uploads.ending);
  EXPECT_EQ(uploads.refusals["finish"], 8) << "one last try";
  EXPECT_EQ(settled, 1);
}

TEST(EndRecorderTest, AFullQueueOfTheStoreIsTriedAgain) {
  SlowUploads uploads;
  std::atomic<int> settled = 0;
  EndRecorder recorder(uploads, 1, [&](const ActiveRun&) { ++settled; });
  recorder.start();
  recorder.record(run_of(1), ending_of(1));
  uploads.answer(Error{Errc::overloaded, "full"});
  while (uploads.asked < 2) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(settled, 0);
  uploads.answer();
  recorder.stop();
  EXPECT_EQ(settled, 1);
}

TEST(EndRecorderTest, HoldsNobodyUpWhileThereIsRoom) {
  SlowUploads uploads;
  std::atomic<int> settled = 0;
  EndRecorder recorder(uploads, 2, [&](const ActiveRun&) { ++settled; });
  recorder.start();
  recorder.record(run_of(1), ending_of(1));
  recorder.record(run_of(2), ending_of(1));
  EXPECT_EQ(settled, 0);
  auto third = std::async(std::launch::async, [&] { recorder.record(run_of(3), ending_of(1)); });
  EXPECT_EQ(third.wait_for(50ms), std::future_status::timeout) << "two are on their way";
  EXPECT_EQ(uploads.asked, 2);
  uploads.answer();
  third.wait();
  EXPECT_EQ(uploads.asked, 3);
  auto stopped = std::async(std::launch::async, [&] { recorder.stop(); });
  EXPECT_EQ(stopped.wait_for(50ms), std::future_status::timeout) << "the third has no answer yet";
  uploads.answer();
  stopped.wait();
  EXPECT_EQ(settled, 3);
}

}  // namespace
}  // namespace vodlift::worker
