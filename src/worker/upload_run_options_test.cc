// What a client may ask of one upload: headers, the checksum of the source, and what becomes of an object in the way.
#include "core/part_plan.h"
#include "worker/upload_run_test.h"

namespace vodlift::worker {
namespace {

constexpr std::size_t kTwoParts = kPreferredPartBytes + 1000;

class UploadRunOptions : public UploadRunTest {
 protected:
  UploadRunOptions() { storages_.bytes = "hello"; }

  UploadOptions& options() { return request_.options; }
  void put_there(std::string token) {
    objects_.object_token = std::move(token);
    objects_.object_crc = "AAAAAA==";
    objects_.size = 99;
  }
  void expect_kept() {
    expect_completed();
    EXPECT_FALSE(ending_->acl_applied) << "nothing was applied";
    EXPECT_EQ(ending_->size, 99) << "that of the object that is there";
    EXPECT_EQ(ending_->verification.etag, "e-2");
    EXPECT_EQ(ending_->verification.checksum, "") << "nothing was confirmed";
    EXPECT_EQ(objects_.object_token, "another's");
  }
};

TEST_F(UploadRunOptions, ReplacingAsksNothing) {
  put_there("another's");
  run();
  expect_completed();
  EXPECT_EQ(objects_.calls, std::vector<std::string>{"put"});
  EXPECT_EQ(objects_.conditions, std::vector{WriteCondition::none});
}

TEST_F(UploadRunOptions, AFreePlaceIsWrittenUnderTheCondition) {
  options().overwrite = Overwrite::fail;
  run();
  expect_completed();
  EXPECT_EQ(objects_.calls, (std::vector<std::string>{"head", "put"}));
  EXPECT_EQ(objects_.conditions, std::vector{WriteCondition::absent_where_it_can_tell});
}

TEST_F(UploadRunOptions, WhatCannotBeSeenIsLeftToTheStore) {
  options().overwrite = Overwrite::fail;
  objects_.script["head"] = {Errc::s3_access_denied};
  run();
  expect_completed();
  EXPECT_EQ(objects_.conditions, std::vector{WriteCondition::absent});
}

TEST_F(UploadRunOptions, AnObjectInTheWayFailsTheUploadBeforeAByteIsSent) {
  options().overwrite = Overwrite::fail;
  put_there("another's");
  run();
  expect_failed(Errc::destination_exists);
  EXPECT_EQ(objects_.calls, std::vector<std::string>{"head"});
  EXPECT_NE(ending_->error->message.find("overwrite=replace"), std::string::npos) << "what to do";
}

TEST_F(UploadRunOptions, AnObjectInTheWayIsKept) {
  options().overwrite = Overwrite::keep;
  put_there("another's");
  run();
  expect_kept();
  EXPECT_EQ(objects_.calls, std::vector<std::string>{"head"});
}

TEST_F(UploadRunOptions, OneThatComesMeanwhileIsNotReplaced) {
  for (const Overwrite overwrite : {Overwrite::keep, Overwrite::fail}) {
    options().overwrite = overwrite;
    storages_.bytes = std::string(kTwoParts, 'v');
    objects_.object_crc.clear();
    objects_.on_part = [this] { put_there("another's"); };
    run();
    if (overwrite == Overwrite::keep) expect_kept();
    if (overwrite == Overwrite::fail) expect_failed(Errc::destination_exists);
    EXPECT_EQ(objects_.object_token, "another's");
    EXPECT_TRUE(objects_.open.empty()) << "the parts are gone";
  }
}

TEST_F(UploadRunOptions, AnObjectOfItsOwnIsNobodyElses) {
  options().overwrite = Overwrite::fail;
  put_there("token-1");
  run();
  expect_completed();
  EXPECT_EQ(objects_.conditions, std::vector{WriteCondition::none});
}

TEST_F(UploadRunOptions, ALostAnswerDoesNotTurnAgainstTheUpload) {
  options().overwrite = Overwrite::fail;
  objects_.lose_answer = true;
  objects_.script["put"] = {Errc::network};
  objects_.script["head"] = {Errc::s3_not_found, Errc::network};
  run();
  expect_completed();
  EXPECT_TRUE(ending_->acl_applied);
  EXPECT_EQ(objects_.conditions.back(), WriteCondition::none) << "over its own object";
}

TEST_F(UploadRunOptions, AnObjectOfItsOwnIsFoundAndNotSentAgain) {
  for (const Overwrite overwrite : {Overwrite::replace, Overwrite::fail, Overwrite::keep}) {
    options().overwrite = overwrite;
    objects_.lose_answer = true;
    objects_.object_crc.clear();
    objects_.calls.clear();
    objects_.script["put"] = {Errc::s3_transient};
    run();
    expect_completed();
    EXPECT_TRUE(ending_->acl_applied) << "sent, not kept";
    EXPECT_EQ(objects_.count("put"), 1);
  }
}

TEST_F(UploadRunOptions, ALostAnswerToCompleteDoesNotEither) {
  options().overwrite = Overwrite::keep;
  storages_.bytes = std::string(kTwoParts, 'v');
  objects_.lose_answer = true;
  objects_.script["complete"] = {Errc::network};
  run();
  expect_completed();
  EXPECT_TRUE(ending_->acl_applied) << "sent, not kept";
}

TEST_F(UploadRunOptions, TheAclIsWhatTheStoreMadeOfIt) {
  request_.acl = Acl::public_read;
  objects_.ignores_acl = true;
  run();
  expect_completed();
  EXPECT_EQ(ending_->acl_applied, Acl::private_acl);
}

TEST_F(UploadRunOptions, AnotherWriterAtTheSameTimeMakesItSendAllAgainOnce) {
  options().overwrite = Overwrite::fail;
  storages_.bytes = std::string(kTwoParts, 'v');
  objects_.script["complete"] = {Errc::s3_conflict};
  run();
  expect_completed();
  EXPECT_EQ(objects_.count("create"), 2);
  EXPECT_EQ(objects_.count("part"), 4);
  EXPECT_EQ(objects_.count("abort"), 1);

  objects_.object_crc.clear();
  objects_.script["complete"] = {Errc::s3_conflict, Errc::s3_conflict};
  run();
  EXPECT_FALSE(ending_) << "later again, from the queue";
  ASSERT_TRUE(requeue_error());
  EXPECT_EQ(requeue_error()->code, Errc::s3_conflict);
}

TEST_F(UploadRunOptions, TheSourceIsSentWhenItsChecksumIsTheOneExpected) {
  for (const std::string checksum : {"crc32c:mnG7TA==", "md5:5d41402abc4b2a76b9719d911017c592",
                                     "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}) {
    options().checksum = checksum;
    run();
    expect_completed();
  }
}

TEST_F(UploadRunOptions, AnotherFileIsNotSent) {
  for (const std::string checksum : {"crc32c:AAAAAA==", "md5:d41d8cd98f00b204e9800998ecf8427e",
                                     "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}) {
    options().checksum = checksum;
    run();
    expect_failed(Errc::source_mismatch);
    EXPECT_NE(ending_->error->message.find(checksum), std::string::npos);
  }
  EXPECT_TRUE(objects_.calls.empty());
}

TEST_F(UploadRunOptions, AnotherLargeFileNeverBecomesAnObject) {
  storages_.bytes = std::string(kTwoParts, 'v');
  options().checksum = "crc32c:AAAAAA==";
  run();
  expect_failed(Errc::source_mismatch);
  EXPECT_EQ(objects_.count("complete"), 0);

  options().checksum = "md5:d41d8cd98f00b204e9800998ecf8427e";
  objects_.calls.clear();
  run();
  expect_failed(Errc::source_mismatch);
  EXPECT_TRUE(objects_.calls.empty()) << "found out before anything is sent";
}

}  // namespace
}  // namespace vodlift::worker
