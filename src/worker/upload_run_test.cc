// What one attempt does with a file, and how it ends where the file, the storage, the bucket or the database fail it.
#include "worker/upload_run_test.h"

namespace vodlift::worker {
namespace {

using namespace std::chrono_literals;

TEST_F(UploadRunTest, ASmallFileIsOneRequest) {
  storages_.bytes = "hello";
  run();
  expect_completed();
  EXPECT_EQ(objects_.calls, std::vector<std::string>{"put"});
  EXPECT_EQ(ending_->verification.checksum, "crc32c:" + crc32c_base64(crc32c(0, bytes_of("hello"))));
  EXPECT_EQ(ending_->size, 5);
}

TEST_F(UploadRunTest, AnEmptyFileIsAnEmptyObject) {
  storages_.empty_file = true;
  run();
  expect_completed();
  EXPECT_EQ(ending_->verification.checksum, "crc32c:AAAAAA==");
}

TEST_F(UploadRunTest, ALargeFileIsSentInPartsAndConfirmed) {
  storages_.bytes = std::string(kThreeParts, 'v');
  run();
  expect_completed();
  EXPECT_EQ(objects_.count("part"), 3);
  EXPECT_EQ(objects_.calls.back(), "head");
  EXPECT_EQ(ending_->verification.checksum, "crc32c:" + crc32c_base64(crc32c(0, bytes_of(storages_.bytes))))
      << "the checksum of the whole, put together from the parts'";
}

TEST_F(UploadRunTest, ATransientFaultOfOnePartIsTriedAgain) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["part"] = {Errc::s3_transient, Errc::network};
  run();
  expect_completed();
  EXPECT_EQ(objects_.count("part"), 5);
}

TEST_F(UploadRunTest, APermanentFaultFailsAtOnceAndAborts) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["part"] = {Errc::s3_access_denied};
  run();
  expect_failed(Errc::s3_access_denied);
  EXPECT_EQ(objects_.count("abort"), 1);
}

TEST_F(UploadRunTest, AFaultThatStaysGoesBackToTheQueueWithItsJournal) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  EXPECT_FALSE(ending_);
  ASSERT_TRUE(requeue_error());
  EXPECT_TRUE(requeued_->failed_attempt);
  EXPECT_TRUE(requeued_->delay);
  EXPECT_EQ(journal().parts.size(), 3U);
  EXPECT_EQ(objects_.count("abort"), 0);
}

TEST_F(UploadRunTest, TheLastAttemptFails) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = std::deque<Errc>(kMaxUploadAttempts, Errc::s3_clock_skew);
  for (int attempt = 1; attempt < kMaxUploadAttempts; ++attempt) {
    run();
    ASSERT_TRUE(requeue_error()) << attempt;
  }
  run();
  expect_failed(Errc::s3_clock_skew);
}

TEST_F(UploadRunTest, AChangedSourceGetsASecondStart) {
  storages_.bytes = std::string(kThreeParts, 'v');
  storages_.changing_opens = 1;
  run();
  expect_completed();
  EXPECT_EQ(storages_.opened, 2);
}

TEST_F(UploadRunTest, ASourceThatKeepsChangingFails) {
  storages_.bytes = std::string(kThreeParts, 'v');
  storages_.changing_opens = 2;
  run();
  expect_failed(Errc::source_changed);
}

TEST_F(UploadRunTest, ASourceThatIsGoneFails) {
  run();
  expect_failed(Errc::source_missing);
}

TEST_F(UploadRunTest, AStorageThatIsGoneFromTheConfigurationFails) {
  storages_.bytes = "x";
  storages_.removed = true;
  run();
  expect_failed(Errc::storage_removed);
}

TEST_F(UploadRunTest, AStorageThatAnotherNodeHasSendsTheUploadBack) {
  storages_.bytes = "x";
  storages_.removed = true;
  ClaimedUpload claimed = claim();
  claimed.storage_is_known = true;
  run(claimed);
  ASSERT_TRUE(requeued_);
  EXPECT_FALSE(requeued_->failed_attempt);
  EXPECT_FALSE(requeued_->error);
  EXPECT_TRUE(requeued_->delay);
}

TEST_F(UploadRunTest, ABucketThatIsGoneFails) {
  storages_.bytes = "x";
  request_.bucket = "not-configured";
  run();
  expect_failed(Errc::bucket_not_configured);
}

TEST_F(UploadRunTest, ARefusedPublicAclFailsUnlessTheAccountPrefersPrivate) {
  storages_.bytes = "x";
  request_.acl = Acl::public_read;
  objects_.script["put"] = {Errc::s3_acl_refused};
  run();
  expect_failed(Errc::s3_acl_refused);

  accounts_.change([](BucketAccess& bucket) { bucket.acl_policy = AclPolicy::private_acl; });
  objects_.script["put"] = {Errc::s3_acl_refused};
  run();
  expect_completed();
  EXPECT_EQ(ending_->acl_applied, Acl::private_acl);
  EXPECT_EQ(objects_.acls.back(), Acl::private_acl);
}

TEST_F(UploadRunTest, ASmallFileThatChangedIsNotSentOverTheOldObject) {
  storages_.bytes = "x";
  storages_.changing_opens = 2;
  run();
  expect_failed(Errc::source_changed);
  EXPECT_EQ(objects_.count("put"), 0);
}

TEST_F(UploadRunTest, ARunWaitsForADatabaseWithoutRoomAndGoesOn) {
  storages_.bytes = std::string(kThreeParts, 'v');
  int multiparts = 1;
  int parts = 1;
  journal_.before = {{"record_multipart", without_room(multiparts)}, {"record_part", without_room(parts)}};
  run();
  expect_completed();
  EXPECT_EQ(multiparts, 0);
  EXPECT_EQ(parts, 0);
  EXPECT_EQ(objects_.count("create"), 1);
  EXPECT_EQ(objects_.count("part"), 3) << "no byte is sent twice for it";
}

TEST_F(UploadRunTest, ToldToEndItWaitsForNoDatabase) {
  storages_.bytes = std::string(kThreeParts, 'v');
  int refused = 0;
  journal_.before["record_multipart"] = [&]() -> Result<> {
    ++refused;
    control_.end({Errc::lease_lost, "the lease expired"});
    return disk_full();
  };
  run();
  EXPECT_FALSE(ending_);
  EXPECT_FALSE(requeued_) << "the lease is lost: there is nothing to record";
  EXPECT_EQ(refused, 2) << "one last try";
}

TEST_F(UploadRunTest, PartsAreNotedForTheStatisticsWhenTheyAreConfirmed) {
  storages_.bytes = std::string(kThreeParts, 'v');
  run();
  expect_completed();
  ASSERT_TRUE(collector_.flush());
  EXPECT_EQ(statistics_.series({.account = kAccount}).value().back().bytes_sent, kThreeParts);
}

}  // namespace
}  // namespace vodlift::worker
