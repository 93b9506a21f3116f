#include "worker/upload_run_test.h"

#include "core/part_plan.h"

namespace vodlift::worker {
namespace {

constexpr std::size_t kThreeParts = 2 * kPreferredPartBytes + 1000;

TEST_F(UploadRunTest, ASmallFileIsOneRequest) {
  storages_.bytes = "hello";
  run();
  expect_completed();
  EXPECT_EQ(objects_.calls, std::vector<std::string>{"put"});
  EXPECT_EQ(uploads_.ending->verification.checksum, "crc32c:" + crc32c_base64(crc32c(0, bytes_of("hello"))));
  EXPECT_EQ(uploads_.ending->size, 5);
}

TEST_F(UploadRunTest, AnEmptyFileIsAnEmptyObject) {
  storages_.empty_file = true;
  run();
  expect_completed();
  EXPECT_EQ(uploads_.ending->verification.checksum, "crc32c:AAAAAA==");
}

TEST_F(UploadRunTest, ALargeFileIsSentInPartsAndConfirmed) {
  storages_.bytes = std::string(kThreeParts, 'v');
  run();
  expect_completed();
  EXPECT_EQ(objects_.count("part"), 3);
  EXPECT_EQ(objects_.calls.back(), "head");
  EXPECT_EQ(uploads_.ending->verification.checksum, "crc32c:" + crc32c_base64(crc32c(0, bytes_of(storages_.bytes))))
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
  EXPECT_FALSE(uploads_.ending);
  ASSERT_TRUE(uploads_.requeue_error);
  EXPECT_TRUE(uploads_.requeue_counts);
  EXPECT_GT(*uploads_.requeued_for, clock_.now());
  EXPECT_EQ(uploads_.journal.parts.size(), 3U);
  EXPECT_EQ(objects_.count("abort"), 0);
}

TEST_F(UploadRunTest, TheLastAttemptFails) {
  storages_.bytes = std::string(kThreeParts, 'v');
  claimed_.upload.attempts = kMaxUploadAttempts;
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  expect_failed(Errc::s3_clock_skew);
}

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

TEST_F(UploadRunTest, ALostAnswerToCompleteIsRecognisedByTheToken) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::timeout};
  objects_.lose_answer = true;
  run();
  expect_completed();
  EXPECT_EQ(objects_.count("complete"), 1);
}

TEST_F(UploadRunTest, SomebodyElsesObjectIsNotTakenForOurs) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::timeout, Errc::s3_no_such_upload};
  objects_.size = static_cast<std::int64_t>(kThreeParts);
  objects_.object_crc = "AAAAAA==";
  objects_.object_token = "someone";
  run();
  EXPECT_FALSE(uploads_.ending && uploads_.ending->state == UploadState::completed);
}

TEST_F(UploadRunTest, WrongBytesAreNeverCompleted) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.flip_a_bit = true;
  run();
  EXPECT_FALSE(uploads_.ending && uploads_.ending->state == UploadState::completed);
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

TEST_F(UploadRunTest, ABucketThatIsGoneFails) {
  storages_.bytes = "x";
  accounts_.bucket.reset();
  run();
  expect_failed(Errc::bucket_not_configured);
}

TEST_F(UploadRunTest, ARefusedPublicAclFailsUnlessTheAccountPrefersPrivate) {
  storages_.bytes = "x";
  claimed_.upload.request.acl = Acl::public_read;
  objects_.script["put"] = {Errc::s3_acl_refused};
  run();
  expect_failed(Errc::s3_acl_refused);

  accounts_.bucket->acl_policy = AclPolicy::private_acl;
  objects_.script["put"] = {Errc::s3_acl_refused};
  run();
  expect_completed();
  EXPECT_EQ(uploads_.ending->acl_applied, Acl::private_acl);
  EXPECT_EQ(objects_.acls.back(), Acl::private_acl);
}

TEST_F(UploadRunTest, AfterAFallBackToPrivateARestartTellsTheTruth) {
  storages_.bytes = std::string(kThreeParts, 'v');
  claimed_.upload.request.acl = Acl::public_read;
  accounts_.bucket->acl_policy = AclPolicy::private_acl;
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
  ASSERT_TRUE(uploads_.requeued_for);
  EXPECT_FALSE(uploads_.requeue_counts);
}

TEST_F(UploadRunTest, AKeyThatMayNotReadIsBelievedByTheAnswerToComplete) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["head"] = {Errc::s3_access_denied};
  run();
  expect_completed();
  objects_.flip_a_bit = true;
  uploads_.ending.reset();
  objects_.script["head"] = std::deque<Errc>(20, Errc::s3_access_denied);
  run();
  EXPECT_FALSE(uploads_.ending && uploads_.ending->state == UploadState::completed);
}

TEST_F(UploadRunTest, AnObjectThatCannotBeConfirmedIsTriedAgain) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["head"] = std::deque<Errc>(2, Errc::s3_not_found);
  run();
  EXPECT_FALSE(uploads_.ending) << "the object may be there";
  ASSERT_TRUE(uploads_.requeue_error);
  EXPECT_TRUE(uploads_.requeue_error->retryable);
}

TEST_F(UploadRunTest, ASmallFileThatChangedIsNotSentOverTheOldObject) {
  storages_.bytes = "x";
  storages_.changing_opens = 2;
  run();
  expect_failed(Errc::source_changed);
  EXPECT_EQ(objects_.count("put"), 0);
}

TEST_F(UploadRunTest, AnObjectThatIsNotEncryptedAsAskedForIsNotCompleted) {
  accounts_.bucket->encryption.mode = EncryptionMode::sse_kms;
  for (const std::size_t size : {std::size_t{1}, kThreeParts}) {
    storages_.bytes = std::string(size, 'v');
    objects_.encryption = "AES256";
    uploads_.ending.reset();
    run();
    expect_failed(Errc::s3_rejected);
    objects_.encryption = "aws:kms";
    uploads_.ending.reset();
    run();
    expect_completed();
  }
}

TEST_F(UploadRunTest, WhatWasBegunUnderAnotherEncryptionBeginsAnew) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  claimed_.journal = uploads_.journal;
  accounts_.bucket->encryption.mode = EncryptionMode::sse_s3;
  objects_.on_create = [this](const std::string&) { objects_.encryption = "AES256"; };
  run();
  expect_completed();
  EXPECT_EQ(objects_.count("create"), 2);
}

TEST_F(UploadRunTest, WhatTheStoreConfirmsInNoWayIsReadBack) {
  objects_.mode = ChecksumMode::md5;
  objects_.md5_check = false;
  for (const std::size_t size : {std::size_t{1}, kThreeParts}) {
    storages_.bytes = objects_.object_bytes = std::string(size, 'v');
    uploads_.ending.reset();
    run();
    expect_completed();
    EXPECT_EQ(uploads_.ending->verification.checksum,
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
    EXPECT_FALSE(uploads_.ending);
    ASSERT_TRUE(uploads_.requeue_error);
    EXPECT_EQ(uploads_.requeue_error->code, Errc::s3_integrity);
    EXPECT_TRUE(uploads_.journal.multipart_id.empty()) << "it begins anew";
  }
}

TEST_F(UploadRunTest, AStoreThatRefusesAWrongMd5IsTakenAtItsWord) {
  objects_.mode = ChecksumMode::md5;
  storages_.bytes = std::string(kThreeParts, 'v');
  run();
  expect_completed();
  EXPECT_TRUE(uploads_.ending->verification.checksum.starts_with("part-md5:"));
  objects_.known_md5_check = true;
  for (const std::size_t size : {std::size_t{1}, kThreeParts}) {
    storages_.bytes = std::string(size, 'v');
    uploads_.ending.reset();
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
  EXPECT_NE(uploads_.ending->error->message.find("reading the object back"), std::string::npos);
}

TEST_F(UploadRunTest, ARunWaitsForADatabaseWithoutRoomAndGoesOn) {
  storages_.bytes = std::string(kThreeParts, 'v');
  uploads_.refusals = {{"multipart", 1}, {"part", 1}, {"finish", 1}};
  run();
  expect_completed();
  EXPECT_EQ(uploads_.refusals, (std::map<std::string, int>{{"multipart", 0}, {"part", 0}, {"finish", 0}}));
  EXPECT_EQ(objects_.count("create"), 1);
  EXPECT_EQ(objects_.count("part"), 3) << "no byte is sent twice for it";
}

TEST_F(UploadRunTest, AnAttemptThatFailedIsRecordedOnceThereIsRoom) {
  storages_.bytes = "x";
  objects_.script["put"] = {Errc::s3_clock_skew};
  uploads_.refusals["requeue"] = 1;
  run();
  ASSERT_TRUE(uploads_.requeue_error);
  EXPECT_EQ(uploads_.requeue_error->code, Errc::s3_clock_skew);
}

TEST_F(UploadRunTest, ToldToEndItWaitsForNoDatabase) {
  storages_.bytes = "x";
  uploads_.refusals["finish"] = 10;
  uploads_.on_refusal = [&] { control_.end({Errc::lease_lost, "the lease ran out"}); };
  run();
  EXPECT_FALSE(uploads_.ending);
  EXPECT_EQ(uploads_.refusals["finish"], 8) << "one last try";
}

TEST_F(UploadRunTest, AStopPutsTheUploadBackWithoutCountingAnAttempt) {
  storages_.bytes = std::string(kThreeParts, 'v');
  control_.end({Errc::interrupted, "stopping"});
  run();
  EXPECT_FALSE(uploads_.ending);
  ASSERT_TRUE(uploads_.requeued_for);
  EXPECT_FALSE(uploads_.requeue_counts);
}

TEST_F(UploadRunTest, AWorkerThatLostItsLeaseChangesNothing) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  claimed_.journal = uploads_.journal;
  uploads_.requeued_for.reset();
  objects_.parts.erase(1);
  uploads_.lease_lost = true;
  run();
  EXPECT_FALSE(uploads_.ending);
  EXPECT_FALSE(uploads_.requeued_for);
  EXPECT_EQ(objects_.count("abort"), 0) << "the multipart upload belongs to the new owner";
}

TEST_F(UploadRunTest, EveryCreateIsInTheLedgerBeforeItIsSent) {
  storages_.bytes = std::string(kThreeParts, 'v');
  ledger_.on_intend = [&] { EXPECT_EQ(objects_.count("create"), 0); };
  run();
  expect_completed();
  EXPECT_EQ(ledger_.told, std::vector<std::string>{"intend film.mp4"});
}

TEST_F(UploadRunTest, ACreateWithoutAnAnswerMakesTheNextOneAnotherEntry) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["create"] = {Errc::timeout, Errc::s3_throttled, Errc::s3_transient};
  run();
  EXPECT_EQ(objects_.count("create"), 4);
  EXPECT_EQ(ledger_.told, std::vector<std::string>(3, "intend film.mp4")) << "a refused one opened nothing";
}

TEST_F(UploadRunTest, ARefusedCreateIsWithdrawn) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["create"] = {Errc::s3_access_denied};
  run();
  expect_failed(Errc::s3_access_denied);
  EXPECT_EQ(ledger_.told, (std::vector<std::string>{"intend film.mp4", "withdraw"}));
}

TEST_F(UploadRunTest, AnAbortThatFailsIsLeftToTheReaper) {
  storages_.bytes = std::string(kThreeParts, 'v');
  storages_.changing_opens = 1;
  objects_.script["abort"] = std::deque<Errc>(kMaxRequestTries, Errc::s3_transient);
  run();
  ASSERT_TRUE(uploads_.ending);
  EXPECT_EQ(uploads_.ending->state, UploadState::completed) << "it does not hold up the upload";
  EXPECT_EQ(ledger_.told, (std::vector<std::string>{"intend film.mp4", "leave", "intend film.mp4"}));
}

TEST_F(UploadRunTest, WhatLiesAtAnotherEndpointIsNotAskedForAtThisOne) {
  storages_.bytes = std::string(kThreeParts, 'v');
  claimed_.journal = {"old", "https://old.example", kPreferredPartBytes, {}, "crc32c", Acl::private_acl, {}};
  accounts_.bucket->endpoint = "https://new.example";
  run();
  expect_completed();
  EXPECT_EQ(ledger_.told, (std::vector<std::string>{"leave", "intend film.mp4"}));
  EXPECT_EQ(objects_.count("abort"), 0);
}

TEST_F(UploadRunTest, AfterTheBucketIsGoneItsMultipartUploadIsLeft) {
  claimed_.journal = {"old", "https://old.example", kPreferredPartBytes, {}, "crc32c", Acl::private_acl, {}};
  accounts_.bucket.reset();
  run();
  expect_failed(Errc::bucket_not_configured);
  EXPECT_EQ(ledger_.told, std::vector<std::string>{"leave"});
  EXPECT_TRUE(objects_.calls.empty());
}

}  // namespace
}  // namespace vodlift::worker
