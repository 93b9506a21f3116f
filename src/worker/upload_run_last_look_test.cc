// Before an upload fails, its object is looked for: a request whose answer was lost may have put it in place.
#include "base/hash.h"
#include "worker/upload_run_test.h"

namespace vodlift::worker {
namespace {

constexpr std::size_t kWhole = 300 * 1024;  // in one request, and too large to be kept in memory

class LastLookTest : public UploadRunTest {
 protected:
  // The upload of `size` bytes reaches its object, and no answer comes; then its source is gone.
  void land(std::size_t size) {
    storages_.bytes = std::string(size, 'v');
    objects_.lose_answer = true;
    // The requests are used up, and every look of this attempt fails.
    objects_.script[size == kWhole ? "put" : "complete"] = std::deque<Errc>(5, Errc::timeout);
    objects_.script["head"] = std::deque<Errc>(50, Errc::network);
    run();
    EXPECT_FALSE(ending_);
    objects_.script.clear();
    objects_.calls.clear();
    storages_.bytes.clear();
  }
  // Runs until the upload has ended; the time for it is bounded.
  void run_to_the_end() {
    const WallTime begun = stores_.clock.now();
    while (!ending_) {
      ASSERT_LE(stores_.clock.now() - begun, kLookFor + std::chrono::minutes(2));
      run();
    }
  }
};

TEST_F(LastLookTest, AnObjectThatIsThereCompletesAnUploadWhoseSourceIsGone) {
  for (const std::size_t size : {kWhole, kThreeParts}) {
    land(size);
    run();
    expect_completed();
    EXPECT_EQ(ending_->size, static_cast<std::int64_t>(size));
    EXPECT_EQ(ending_->verification.checksum, "crc32c:" + objects_.object_crc);
    EXPECT_EQ(objects_.count("put") + objects_.count("part"), 0);
  }
}

TEST_F(LastLookTest, NoAnswerToTheLookIsNotTheEnd) {
  for (const std::size_t size : {kWhole, kThreeParts}) {
    land(size);
    objects_.script["head"] = {Errc::s3_unverifiable, Errc::s3_unverifiable, Errc::s3_unverifiable,
                               Errc::s3_unverifiable, Errc::s3_unverifiable, Errc::s3_rejected};
    run();
    EXPECT_FALSE(ending_);
    EXPECT_FALSE(requeued_->failed_attempt);
    EXPECT_EQ(requeue_error()->code, Errc::source_missing) << "the reason is shown";
    objects_.script.clear();
    run();
    expect_completed();
  }
}

TEST_F(LastLookTest, AStoreThatNeverAnswersIsNotWaitedForForEver) {
  land(kWhole);
  objects_.script["head"] = std::deque<Errc>(500, Errc::network);
  run_to_the_end();
  expect_failed(Errc::source_missing);
}

TEST_F(LastLookTest, AnObjectThatIsNotThereFailsTheUploadInTheEnd) {
  for (const std::size_t size : {kWhole, kThreeParts}) {
    land(size);
    objects_.object_crc.clear();
    run_to_the_end();
    expect_failed(Errc::source_missing);
  }
}

TEST_F(LastLookTest, AnObjectWithOtherBytesIsAFailure) {
  for (const std::size_t size : {kWhole, kThreeParts}) {
    land(size);
    objects_.object_crc = "AAAAAA==";
    run_to_the_end();
    expect_failed(Errc::source_missing);
  }
}

TEST_F(LastLookTest, AnotherUploadsObjectIsAFailure) {
  for (const std::size_t size : {kWhole, kThreeParts}) {
    land(size);
    objects_.object_token = "another";
    run_to_the_end();
    expect_failed(Errc::source_missing);
  }
}

TEST_F(LastLookTest, WithoutADigestTheBytesAreReadBack) {
  objects_.mode = ChecksumMode::md5;
  objects_.md5_check = false;
  for (const bool same : {true, false}) {
    land(kWhole);
    objects_.object_bytes = std::string(kWhole, same ? 'v' : 'w');
    run_to_the_end();
    if (same) {
      expect_completed();
      EXPECT_TRUE(ending_->verification.checksum.starts_with("read-back-crc32c:"));
    } else {
      expect_failed(Errc::source_missing);
    }
  }
}

// A proxy may refuse what the store behind it has done.
TEST_F(LastLookTest, WhatWasRefusedIsLookedForOnce) {
  for (const Errc refusal : {Errc::s3_access_denied, Errc::s3_rejected, Errc::s3_not_found, Errc::s3_region}) {
    for (const bool landed : {false, true}) {
      for (const std::size_t size : {kWhole, kThreeParts}) {
        objects_.object_crc.clear();
        objects_.object_token.clear();
        objects_.calls.clear();
        storages_.bytes = std::string(size, 'v');
        objects_.lose_answer = landed;
        objects_.script[size == kWhole ? "put" : "complete"] = {refusal};
        run();
        if (landed) {
          expect_completed();
        } else {
          expect_failed(refusal);
        }
        EXPECT_LE(objects_.count("head"), 2);
      }
    }
  }
}

TEST_F(LastLookTest, ASourceThatIsGoneAtOnceAsksNothing) {
  storages_.bytes.clear();
  run();
  expect_failed(Errc::source_missing);
  EXPECT_TRUE(objects_.calls.empty());
}

TEST_F(LastLookTest, TheLastAttemptMayHaveLanded) {
  storages_.bytes = std::string(kWhole, 'v');
  for (int attempt = 1; attempt < kMaxUploadAttempts; ++attempt) {
    objects_.script["put"] = std::deque<Errc>(5, Errc::s3_transient);
    run();
    ASSERT_FALSE(ending_);
  }
  objects_.lose_answer = true;
  objects_.script["put"] = std::deque<Errc>(5, Errc::s3_transient);
  objects_.script["head"] = std::deque<Errc>(20, Errc::s3_transient);
  run();
  EXPECT_FALSE(ending_);
  objects_.script.clear();
  objects_.calls.clear();
  run();
  expect_completed();
  EXPECT_EQ(objects_.count("put"), 0) << "it only looks";
}

TEST_F(LastLookTest, CrashesEndAnUploadOnlyIfItsObjectIsNotThere) {
  for (const bool landed : {true, false}) {
    storages_.bytes = std::string(kWhole, 'v');
    if (landed) {
      run();
      objects_.object_crc = crc32c_base64(crc32c(0, bytes_of(storages_.bytes)));
    }
    objects_.object_token = landed ? "token-1" : "another";
    id_ = 0;
    for (int crash = 0; crash < 3; ++crash) {
      (void)claim();
      stores_.clock.pass(std::chrono::minutes(2));
      ASSERT_EQ(stores_.node.queue.rescue(3).value(), 1);
    }
    EXPECT_EQ(stores_.look(id_).state, UploadState::queued);
    objects_.calls.clear();
    run();
    if (landed) {
      expect_completed();
    } else {
      expect_failed(Errc::crashed_repeatedly);
    }
    EXPECT_EQ(objects_.calls, (std::vector<std::string>{"head"}));
  }
}

TEST_F(LastLookTest, AStopDuringTheLookLosesNothing) {
  land(kWhole);
  objects_.script["head"] = std::deque<Errc>(5, Errc::network);
  run();
  ASSERT_TRUE(requeued_);
  control_.end({Errc::interrupted, "stopping"});
  run();
  EXPECT_FALSE(ending_);
  EXPECT_TRUE(claim().only_look);
}

}  // namespace
}  // namespace vodlift::worker
