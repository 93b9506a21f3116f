// What makes an upload completed: the bytes at the store are those of the file, encrypted as asked for.
#include "worker/upload_run_test.h"

namespace vodlift::worker {
namespace {

TEST_F(UploadRunTest, ALostAnswerToCompleteIsRecognisedByTheToken) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::timeout};
  objects_.lose_answer = true;
  run();
  expect_completed();
  EXPECT_EQ(objects_.count("complete"), 1);
}

TEST_F(UploadRunTest, WhatIsReadBackBecauseTheWholeIsNotToldIsNoted) {
  storages_.bytes = objects_.object_bytes = std::string(kThreeParts, 'v');
  objects_.tells_whole = false;
  run();
  expect_completed();
  EXPECT_EQ(ending_->verification.checksum.rfind("read-back-crc32c:", 0), 0U) << ending_->verification.checksum;
  EXPECT_EQ(objects_.untold, 1);
  objects_.mode = ChecksumMode::md5;
  objects_.md5_check = false;
  run();
  expect_completed();
  EXPECT_EQ(objects_.untold, 1) << "with MD5 there is nothing weaker to be taken";
}

TEST_F(UploadRunTest, SomebodyElsesObjectIsNotTakenForOurs) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::timeout, Errc::s3_no_such_upload};
  objects_.size = static_cast<std::int64_t>(kThreeParts);
  objects_.object_crc = "AAAAAA==";
  objects_.object_token = "someone";
  run();
  expect_not_completed();
}

TEST_F(UploadRunTest, WrongBytesAreNeverCompleted) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.flip_a_bit = true;
  run();
  expect_not_completed();
}

TEST_F(UploadRunTest, AKeyThatMayNotReadIsBelievedByTheAnswerToComplete) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["head"] = {Errc::s3_access_denied};
  run();
  expect_completed();
  objects_.flip_a_bit = true;
  objects_.script["head"] = std::deque<Errc>(20, Errc::s3_access_denied);
  run();
  expect_not_completed();
}

TEST_F(UploadRunTest, AnObjectThatCannotBeConfirmedIsLookedForAgain) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["head"] = std::deque<Errc>(7, Errc::s3_not_found);
  run();
  EXPECT_FALSE(ending_) << "the object may be there";
  ASSERT_TRUE(requeue_error());
  EXPECT_TRUE(requeue_error()->retryable);
  EXPECT_EQ(objects_.count("complete"), 1) << "it has its answer";
  objects_.calls.clear();
  run();
  EXPECT_FALSE(ending_);
  EXPECT_FALSE(requeued_->failed_attempt) << "a look is no attempt";
  EXPECT_LE(*requeued_->delay, std::chrono::minutes(1));
  objects_.script["head"].clear();
  run();
  expect_completed();
  EXPECT_EQ(objects_.count("part") + objects_.count("create"), 0) << "nothing is sent twice";
}

TEST_F(UploadRunTest, AnObjectThatNeverComesIsSentAgainAfterSomeMinutes) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::timeout, Errc::s3_no_such_upload};
  objects_.on_complete = [this] { objects_.open.clear(); };
  run();
  EXPECT_TRUE(requeued_->failed_attempt);
  objects_.on_complete = nullptr;
  const WallTime begun = stores_.clock.now();
  for (int runs = 0; objects_.created == 1; ++runs) {
    ASSERT_LT(runs, 20);
    run();
  }
  EXPECT_GE(stores_.clock.now() - begun, kLookFor - std::chrono::minutes(1));
  EXPECT_LE(stores_.clock.now() - begun, kLookFor + std::chrono::minutes(1));
  expect_completed();
}

TEST_F(UploadRunTest, WhatTheStoreSaysOfThePartsMeanwhileDropsNothing) {
  for (const Errc code : {Errc::s3_no_such_upload, Errc::s3_parts_refused, Errc::s3_conflict, Errc::s3_not_found}) {
    storages_.bytes = std::string(kThreeParts, 'v');
    objects_.object_crc.clear();
    objects_.calls.clear();
    objects_.script["complete"] = {Errc::s3_transient, code};
    run();
    EXPECT_FALSE(ending_);
    EXPECT_EQ(requeue_error()->code, Errc::s3_unverifiable);
    EXPECT_EQ(objects_.count("abort"), 0);
    run();
    expect_completed();
    EXPECT_EQ(objects_.count("part"), 3);
  }
}

TEST_F(UploadRunTest, AnObjectWithoutASizeIsConfirmedByItsChecksum) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.tells_size = false;
  run();
  expect_completed();
  EXPECT_EQ(ending_->size, static_cast<std::int64_t>(kThreeParts));
  EXPECT_EQ(objects_.count("part"), 3);
}

TEST_F(UploadRunTest, AnObjectWithoutItsMarkIsKnownByItsChecksum) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.keeps_marks = false;
  run();
  expect_completed();
  EXPECT_EQ(objects_.unmarked, 1);
  objects_.script["complete"] = {Errc::timeout};
  objects_.lose_answer = true;
  run();
  expect_completed();
  EXPECT_EQ(objects_.created, 2);
}

TEST_F(UploadRunTest, AnObjectWithoutItsMarkIsKnownByItsEtagAndReadBack) {
  storages_.bytes = objects_.object_bytes = std::string(kThreeParts, 'v');
  objects_.mode = ChecksumMode::md5;
  objects_.md5_check = false;
  objects_.keeps_marks = false;
  run();
  expect_completed();
  EXPECT_TRUE(ending_->verification.checksum.starts_with("read-back-crc32c:"));
}

TEST_F(UploadRunTest, AnObjectWithoutAMarkAndWithOtherBytesIsNotOurs) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::timeout, Errc::s3_no_such_upload};
  objects_.size = static_cast<std::int64_t>(kThreeParts);
  objects_.object_crc = "AAAAAA==";
  run();
  expect_not_completed();
}

TEST_F(UploadRunTest, AnObjectThatIsNotEncryptedAsAskedForIsNotCompleted) {
  accounts_.change([](BucketAccess& bucket) { bucket.encryption.mode = EncryptionMode::sse_kms; });
  for (const std::size_t size : {std::size_t{1}, kThreeParts}) {
    storages_.bytes = std::string(size, 'v');
    objects_.encryption = "AES256";
    run();
    expect_failed(Errc::s3_rejected);
    objects_.encryption = "aws:kms";
    run();
    expect_completed();
  }
}

TEST_F(UploadRunTest, WhatTheStoreConfirmsInNoWayIsReadBack) {
  objects_.mode = ChecksumMode::md5;
  objects_.md5_check = false;
  for (const std::size_t size : {std::size_t{1}, kThreeParts}) {
    storages_.bytes = objects_.object_bytes = std::string(size, 'v');
    run();
    expect_completed();
    EXPECT_EQ(ending_->verification.checksum,
              "read-back-crc32c:" + crc32c_base64(crc32c(0, bytes_of(storages_.bytes))));
  }
  EXPECT_EQ(objects_.count("read 0+8388608"), 1);
  EXPECT_EQ(objects_.count("wrong md5 4"), 1) << "behind the last part";
}

TEST_F(UploadRunTest, OtherBytesReadBackAreNeverCompleted) {
  objects_.mode = ChecksumMode::md5;
  objects_.md5_check = false;
  for (const std::size_t size : {std::size_t{1}, kThreeParts}) {
    storages_.bytes = objects_.object_bytes = std::string(size, 'v');
    objects_.object_bytes[size / 2] = 'w';
    run();
    EXPECT_FALSE(ending_);
    ASSERT_TRUE(requeue_error());
    EXPECT_EQ(requeue_error()->code, Errc::s3_integrity);
    EXPECT_TRUE(journal().multipart_id.empty()) << "it starts over";
  }
}

TEST_F(UploadRunTest, AStoreThatRefusesAWrongMd5IsTakenAtItsWord) {
  objects_.mode = ChecksumMode::md5;
  storages_.bytes = std::string(kThreeParts, 'v');
  run();
  expect_completed();
  EXPECT_TRUE(ending_->verification.checksum.starts_with("part-md5:"));
  objects_.known_md5_check = true;
  for (const std::size_t size : {std::size_t{1}, kThreeParts}) {
    storages_.bytes = std::string(size, 'v');
    run();
    expect_completed();
  }
  EXPECT_EQ(objects_.count("wrong md5"), 1);
  EXPECT_EQ(objects_.count("read"), 0);
}

TEST_F(UploadRunTest, AKeyThatMayNotReadBackFailsAndSaysWhy) {
  objects_.mode = ChecksumMode::md5;
  storages_.bytes = "x";
  objects_.script["read"] = {Errc::s3_access_denied};
  run();
  expect_failed(Errc::s3_access_denied);
  EXPECT_NE(ending_->error->message.find("reading the object back"), std::string::npos);
}

}  // namespace
}  // namespace vodlift::worker
