// Attempts that could not even begin: the endpoint, the bucket or the bucket's key does not work.
#include "worker/upload_run_test.h"

namespace vodlift::worker {
namespace {

using namespace std::chrono_literals;

TEST_F(UploadRunTest, AnAttemptThatSentNothingIsNone) {
  storages_.bytes = "hello";
  objects_.refused = Refusal{{Errc::s3_unavailable, "down"}, 7s};
  for (int i = 0; i < 2 * kMaxUploadAttempts; ++i) {
    run();
    ASSERT_TRUE(requeued_);
    EXPECT_EQ(requeued_->delay, 7s);
    EXPECT_FALSE(requeued_->failed_attempt);
    EXPECT_EQ(stores_.look(id_).error->code, Errc::s3_unavailable);
  }
  EXPECT_EQ(stores_.look(id_).error->message, "down");
  EXPECT_TRUE(objects_.calls.empty()) << "nor was the source read";
  objects_.refused.reset();
  run();
  expect_completed();
  EXPECT_EQ(stores_.look(id_).attempts, 1);
}

TEST_F(UploadRunTest, AnAttemptThatTheStoreFailedCounts) {
  storages_.bytes = "hello";
  objects_.script["put"] = {Errc::s3_unavailable};
  objects_.on_put = [](const ObjectTarget& target) { target.failed->store(true); };
  run();
  ASSERT_TRUE(requeued_);
  EXPECT_TRUE(requeued_->failed_attempt);
}

TEST_F(UploadRunTest, ARefusedKeyCountsNoAttemptAndIsTriedAgain) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["part"] = {Errc::s3_credential};
  run();
  ASSERT_TRUE(requeued_) << "an operator can mend the key";
  EXPECT_FALSE(requeued_->failed_attempt);
  EXPECT_GE(requeued_->delay, 30s);
  EXPECT_TRUE(requeue_error()->retryable);
  EXPECT_EQ(objects_.count("abort"), 0) << "the parts that are there stay";
  run();
  expect_completed();
  EXPECT_EQ(stores_.look(id_).attempts, 1);
}

TEST_F(UploadRunTest, WhatTheStoreSaidOfTheKeyStays) {
  storages_.bytes = "hello";
  objects_.script["put"] = {Errc::s3_credential};
  run();
  objects_.refused = Refusal{{Errc::s3_credential, "not asked now"}, 7s};
  run();
  EXPECT_EQ(stores_.look(id_).error->message, "scripted");
}

TEST_F(UploadRunTest, WaitingForAKeyEnds) {
  storages_.bytes = "hello";
  objects_.refused = Refusal{{Errc::s3_credential, "refused"}, std::chrono::hours(24)};
  int runs = 0;
  for (; runs < 100 && !ending_; ++runs) run();
  expect_failed(Errc::s3_credential);
  EXPECT_EQ(runs, 3 + kMaxUploadAttempts) << "three days, then each attempt counts";
}

TEST_F(UploadRunTest, WaitingForAnEndpointEnds) {
  storages_.bytes = "hello";
  objects_.refused = Refusal{{Errc::s3_unavailable, "down"}, std::chrono::hours(24)};
  for (int runs = 0; runs < 100 && !ending_; ++runs) run();
  expect_failed(Errc::s3_unavailable);
}

}  // namespace
}  // namespace vodlift::worker
