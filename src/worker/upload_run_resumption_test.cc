// How an attempt resumes an upload that an earlier attempt began, and what it leaves behind.
#include "worker/upload_run_test.h"

namespace vodlift::worker {
namespace {

TEST_F(UploadRunTest, AfterARestartOnlyWhatIsMissingIsSent) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  claimed_.journal = uploads_.journal;
  objects_.parts.erase(2);
  objects_.calls.clear();
  run();
  expect_completed();
  EXPECT_EQ(objects_.calls, (std::vector<std::string>{"list", "part 2", "complete", "head"}));
}

TEST_F(UploadRunTest, APartTheJournalMissedIsAdoptedWhenItsBytesAreRight) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  claimed_.journal = uploads_.journal;
  claimed_.journal.parts.clear();
  objects_.parts.at(3).checksum = "AAAAAA==";  // not the file's bytes: to be sent again
  objects_.calls.clear();
  run();
  expect_completed();
  EXPECT_EQ(objects_.calls, (std::vector<std::string>{"list", "part 3", "complete", "head"}));
}

TEST_F(UploadRunTest, AnotherVersionOfTheSourceStartsOver) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  claimed_.journal = uploads_.journal;
  storages_.inode = 8;
  objects_.calls.clear();
  run();
  expect_completed();
  EXPECT_EQ(objects_.calls.front(), "abort");
  EXPECT_EQ(objects_.count("part"), 3);
}

TEST_F(UploadRunTest, AnUnknownChecksumModeStartsOver) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  claimed_.journal = uploads_.journal;
  claimed_.journal.checksum_mode = ChecksumMode::unknown;
  objects_.calls.clear();
  run();
  expect_completed();
  EXPECT_EQ(objects_.calls.front(), "abort");
  EXPECT_EQ(objects_.count("part"), 3);
}

TEST_F(UploadRunTest, AVanishedMultipartUploadIsOpenedAnew) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  claimed_.journal = uploads_.journal;
  objects_.open.clear();
  run();
  expect_completed();
  EXPECT_EQ(objects_.created, 2);
}

TEST_F(UploadRunTest, AfterAFallBackToPrivateARestartTellsTheTruth) {
  storages_.bytes = std::string(kThreeParts, 'v');
  claimed_.upload.request.acl = Acl::public_read;
  accounts_.change([](BucketAccess& bucket) { bucket.acl_policy = AclPolicy::private_acl; });
  objects_.script["create"] = {Errc::s3_acl_refused};
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  claimed_.journal = uploads_.journal;
  run();
  expect_completed();
  EXPECT_EQ(uploads_.ending->acl_applied, Acl::private_acl);
}

TEST_F(UploadRunTest, AFailureDuringAStopIsLeftForTheNextStart) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["part"] = {Errc::s3_access_denied};
  objects_.on_part = [this] { control_.end({Errc::interrupted, "stopping"}); };
  run();
  EXPECT_FALSE(uploads_.ending) << "a failure that could not be cleaned up behind";
  ASSERT_TRUE(uploads_.requeued);
  EXPECT_FALSE(uploads_.requeued->failed_attempt);
}

TEST_F(UploadRunTest, AnUploadThatWasBegunUnderAnotherEncryptionStartsOver) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  claimed_.journal = uploads_.journal;
  accounts_.change([](BucketAccess& bucket) { bucket.encryption.mode = EncryptionMode::sse_s3; });
  objects_.on_create = [this](const std::string&) { objects_.encryption = "AES256"; };
  run();
  expect_completed();
  EXPECT_EQ(objects_.count("create"), 2);
}

TEST_F(UploadRunTest, AStopPutsTheUploadBackWithoutCountingAnAttempt) {
  storages_.bytes = std::string(kThreeParts, 'v');
  control_.end({Errc::interrupted, "stopping"});
  run();
  EXPECT_FALSE(uploads_.ending);
  ASSERT_TRUE(uploads_.requeued);
  EXPECT_FALSE(uploads_.requeued->failed_attempt);
}

TEST_F(UploadRunTest, AWorkerThatLostItsLeaseChangesNothing) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  claimed_.journal = uploads_.journal;
  uploads_.requeued.reset();
  objects_.parts.erase(1);
  uploads_.lease_lost = true;
  run();
  EXPECT_FALSE(uploads_.ending);
  EXPECT_FALSE(uploads_.requeued);
  EXPECT_EQ(objects_.count("abort"), 0) << "the multipart upload belongs to the new owner";
}

}  // namespace
}  // namespace vodlift::worker
