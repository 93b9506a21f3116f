#include "worker/source_readiness.h"

#include "core/part_plan.h"
#include "worker/upload_run_test.h"

namespace vodlift::worker {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kNow = from_unix_ms(1'700'000'000'000);

SourceIdentity modified(std::chrono::milliseconds ago) {
  SourceIdentity source;
  source.modified_ns = to_unix_ms(kNow - ago) * 1'000'000;
  return source;
}

TEST(SourceReadiness, ASourceIsReadyOnceItHasBeenQuiet) {
  const SourceReadiness readiness{5s, 1h};
  EXPECT_EQ(quiet_at(modified(6s), readiness, kNow), std::nullopt);
  EXPECT_EQ(quiet_at(modified(2s), readiness, kNow), kNow + 3s + 1ms);
  EXPECT_EQ(quiet_at(modified(0s), readiness, kNow), kNow + 5s + 1ms);
}

TEST(SourceReadiness, WithoutAQuietTimeNothingIsWaitedFor) {
  EXPECT_EQ(quiet_at(modified(0s), SourceReadiness{}, kNow), std::nullopt);
}

TEST(SourceReadiness, ClocksThatDifferALittleAreWaitedForAndTimesFarAheadAreNot) {
  const SourceReadiness readiness{5s, 1h};
  EXPECT_EQ(quiet_at(modified(-2s), readiness, kNow), kNow + 7s + 1ms);
  EXPECT_EQ(quiet_at(modified(-6s), readiness, kNow), std::nullopt);
}

class SourceReadinessRun : public UploadRunTest {
 protected:
  SourceReadinessRun() {
    storages_.bytes = "hello";
    readiness_ = {5s, 1h};
    claimed_.upload.started = clock_.now();
  }
};

TEST_F(SourceReadinessRun, ASourceThatIsBeingWrittenIsWaitedForAndCostsNoAttempt) {
  storages_.modified_ns = modified(2s).modified_ns;
  run();
  EXPECT_FALSE(uploads_.ending);
  ASSERT_TRUE(uploads_.requeue_error);
  EXPECT_EQ(uploads_.requeue_error->code, Errc::source_busy);
  EXPECT_NE(uploads_.requeue_error->message.find("still being written"), std::string::npos);
  EXPECT_TRUE(uploads_.requeue_error->retryable);
  EXPECT_EQ(uploads_.requeued_for, clock_.now() + 3s + 1ms);
  EXPECT_FALSE(uploads_.requeue_counts);
  EXPECT_TRUE(objects_.calls.empty());
}

TEST_F(SourceReadinessRun, AQuietSourceIsSentAtOnce) {
  storages_.modified_ns = modified(6s).modified_ns;
  run();
  expect_completed();
}

TEST_F(SourceReadinessRun, TheWaitHasAnEnd) {
  storages_.modified_ns = modified(2s).modified_ns;
  claimed_.upload.started = clock_.now() - 1h;
  run();
  expect_failed(Errc::source_busy);
}

TEST_F(SourceReadinessRun, PartsThatWereSentOfThisVersionGoOn) {
  storages_.modified_ns = modified(6s).modified_ns;
  storages_.bytes = std::string(2 * kPreferredPartBytes, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  claimed_.journal = uploads_.journal;
  readiness_.quiet = 10s;
  run();
  expect_completed();
}

TEST_F(SourceReadinessRun, ASourceThatIsWrittenToWhileItIsSentIsWaitedForToo) {
  storages_.modified_ns = modified(6s).modified_ns;
  storages_.changing_opens = 1;
  storages_.on_open = [this] {
    if (storages_.opened == 2) storages_.modified_ns = modified(0s).modified_ns;
  };
  run();
  EXPECT_FALSE(uploads_.ending);
  ASSERT_TRUE(uploads_.requeue_error);
  EXPECT_EQ(uploads_.requeue_error->code, Errc::source_busy);
}

}  // namespace
}  // namespace vodlift::worker
