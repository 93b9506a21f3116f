// How an attempt resumes an upload that an earlier attempt began, and what it leaves behind.
#include "worker/upload_run_test.h"

namespace vodlift::worker {
namespace {

TEST_F(UploadRunTest, AfterARestartOnlyWhatIsMissingIsSent) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
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
  change_journal([](OpenMultipart& journal) { journal.parts.clear(); });
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
  storages_.inode = 8;
  objects_.calls.clear();
  run();
  expect_completed();
  EXPECT_EQ(objects_.calls.front(), "abort");
  EXPECT_EQ(objects_.count("part"), 3);
}

TEST_F(UploadRunTest, AFileThatWasOnlyTouchedGoesOn) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  objects_.parts.erase(2);
  storages_.change_ns = 1;
  objects_.calls.clear();
  run();
  expect_completed();
  EXPECT_EQ(objects_.calls, (std::vector<std::string>{"list", "part 2", "complete", "head"}));
}

TEST_F(UploadRunTest, ATouchIsJudgedOnce) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew, Errc::s3_clock_skew};
  run();
  storages_.change_ns = 1;
  run();
  EXPECT_EQ(journal().source.change_ns, 1);
  EXPECT_EQ(journal().parts.size(), 3U);
  int reads = 0;
  storages_.on_open = [&] { storages_.last->on_read = [&] { ++reads; }; };
  run();
  expect_completed();
  EXPECT_EQ(reads, 0);
}

TEST_F(UploadRunTest, ATouchedFileWithOtherBytesStartsOver) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  storages_.change_ns = 1;
  storages_.bytes.back() = 'w';
  objects_.calls.clear();
  run();
  expect_completed();
  EXPECT_EQ(objects_.count("abort"), 1);
  EXPECT_EQ(objects_.count("part"), 3);
}

TEST_F(UploadRunTest, AnUnknownChecksumModeStartsOver) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  change_journal([](OpenMultipart& journal) { journal.checksum_mode = ChecksumMode::unknown; });
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
  objects_.open.clear();
  run();
  expect_completed();
  EXPECT_EQ(objects_.created, 2);
}

TEST_F(UploadRunTest, AfterAFallBackToPrivateARestartTellsTheTruth) {
  storages_.bytes = std::string(kThreeParts, 'v');
  request_.acl = Acl::public_read;
  accounts_.change([](BucketAccess& bucket) { bucket.acl_policy = AclPolicy::private_acl; });
  objects_.script["create"] = {Errc::s3_acl_refused};
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  run();
  expect_completed();
  EXPECT_EQ(ending_->acl_applied, Acl::private_acl);
}

TEST_F(UploadRunTest, AStoreThatDoesNotListPartsIsDoneWithoutAList) {
  for (const Errc code : {Errc::s3_access_denied, Errc::s3_rejected, Errc::s3_not_found}) {
    storages_.bytes = std::string(kThreeParts, 'v');
    objects_.script["complete"] = {Errc::s3_clock_skew};
    run();
    objects_.calls.clear();
    objects_.script["list"] = {code};
    run();
    expect_completed();
    EXPECT_EQ(objects_.calls, (std::vector<std::string>{"list", "complete", "head"}));
  }
}

TEST_F(UploadRunTest, WithoutAListAVanishedMultipartUploadIsOpenedAnew) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew};
  objects_.script["list"] = {Errc::s3_access_denied};
  run();
  objects_.open.clear();
  run();
  EXPECT_TRUE(journal().multipart_id.empty());
  run();
  expect_completed();
  EXPECT_EQ(objects_.created, 2);
}

TEST_F(UploadRunTest, AFalseNoSuchUploadLeavesNothingOpen) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["part"] = {Errc::s3_no_such_upload};
  run();
  EXPECT_FALSE(ending_);
  EXPECT_EQ(objects_.count("abort"), 1);
  EXPECT_TRUE(objects_.open.empty());
  objects_.script["part"] = {Errc::s3_no_such_upload};
  objects_.script["abort"] = std::deque<Errc>(5, Errc::s3_access_denied);
  run();
  EXPECT_EQ(stores_.abandoned().size(), 1U) << "the reaper aborts it later";
}

TEST_F(UploadRunTest, AnAnswerToCreateThatIsNoneIsAskedForOnceAnAttempt) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["create answer"] = {Errc::s3_unverifiable};
  run();
  EXPECT_FALSE(ending_);
  EXPECT_EQ(requeue_error()->code, Errc::s3_unverifiable);
  EXPECT_EQ(objects_.count("create"), 1);
  EXPECT_EQ(stores_.abandoned().size(), 1U) << "the reaper looks for it";
}

TEST_F(UploadRunTest, AFailureDuringAStopIsLeftForTheNextStart) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["part"] = {Errc::s3_access_denied};
  objects_.on_part = [this] { control_.end({Errc::interrupted, "stopping"}); };
  run();
  EXPECT_FALSE(ending_) << "a failure that could not be cleaned up behind";
  ASSERT_TRUE(requeued_);
  EXPECT_FALSE(requeued_->failed_attempt);
}

TEST_F(UploadRunTest, AnUploadThatWasBegunUnderAnotherEncryptionStartsOver) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
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
  EXPECT_FALSE(ending_);
  ASSERT_TRUE(requeued_);
  EXPECT_FALSE(requeued_->failed_attempt);
}

TEST_F(UploadRunTest, AWorkerThatLostItsLeaseChangesNothing) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  const ClaimedUpload lost = claim();
  ASSERT_TRUE(stores_.requeue(lost.lease));
  const ClaimedUpload current = claim();
  objects_.parts.erase(1);
  run(lost);
  EXPECT_FALSE(ending_);
  EXPECT_FALSE(requeued_);
  EXPECT_EQ(objects_.count("part 1"), 2) << "sent, and not recorded";
  EXPECT_EQ(objects_.count("abort"), 0) << "the multipart upload belongs to the new owner";
  EXPECT_EQ(stores_.look(id_).state, UploadState::uploading);
  ASSERT_TRUE(stores_.requeue(current.lease)) << "the new owner has its lease";
  EXPECT_EQ(journal().parts, current.journal.parts);
}

}  // namespace
}  // namespace vodlift::worker
