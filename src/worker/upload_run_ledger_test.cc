// No litter: what is recorded in the ledger of multipart uploads, and what is aborted.
#include "worker/upload_run_test.h"

namespace vodlift::worker {
namespace {

TEST_F(UploadRunTest, EveryCreateIsInTheLedgerBeforeItIsSent) {
  storages_.bytes = std::string(kThreeParts, 'v');
  int intended = 0;
  journal_.before["intend"] = [&]() -> Result<> {
    ++intended;
    EXPECT_EQ(objects_.count("create"), 0);
    return {};
  };
  objects_.on_create = [&](const std::string&) {
    EXPECT_TRUE(stores_.ledger.known({"", "b", "film.mp4"}).value().create_under_way);
  };
  run();
  expect_completed();
  EXPECT_EQ(intended, 1);
  EXPECT_EQ(objects_.created, 1);
  EXPECT_TRUE(stores_.ledger.known({"", "b", "film.mp4"}).value().ids.empty()) << "it is an object now";
  EXPECT_TRUE(stores_.abandoned().empty());
}

TEST_F(UploadRunTest, ACreateWithoutAnAnswerMakesTheNextOneAnotherEntry) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["create"] = {Errc::timeout, Errc::s3_throttled, Errc::s3_transient};
  run();
  EXPECT_EQ(objects_.count("create"), 4);
  ASSERT_EQ(stores_.abandoned().size(), 1U);
  EXPECT_EQ(stores_.abandoned()[0].multipart_id, "") << "to be looked for";
  EXPECT_EQ(stores_.abandoned()[0].place, (MultipartPlace{"", "b", "film.mp4"}));
  EXPECT_EQ(stores_.abandoned()[0].creates, 2) << "a refused one opened nothing";
}

TEST_F(UploadRunTest, ARefusedCreateIsWithdrawn) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["create"] = {Errc::s3_access_denied};
  run();
  expect_failed(Errc::s3_access_denied);
  EXPECT_TRUE(stores_.abandoned().empty()) << "there is nothing to be looked for";
}

TEST_F(UploadRunTest, AnAbortThatFailsIsLeftToTheReaper) {
  storages_.bytes = std::string(kThreeParts, 'v');
  storages_.changing_opens = 1;
  objects_.script["abort"] = std::deque<Errc>(kMaxRequestTries, Errc::s3_transient);
  run();
  ASSERT_TRUE(ending_);
  EXPECT_EQ(ending_->state, UploadState::completed) << "it does not hold up the upload";
  ASSERT_EQ(stores_.abandoned().size(), 1U);
  EXPECT_EQ(stores_.abandoned()[0].multipart_id, "mp1");
  EXPECT_EQ(objects_.created, 2);
}

TEST_F(UploadRunTest, WhatLiesAtAnotherEndpointIsNotAskedForAtThisOne) {
  storages_.bytes = std::string(kThreeParts, 'v');
  begin_at("https://old.example");
  accounts_.change([](BucketAccess& bucket) { bucket.endpoint = "https://new.example"; });
  run();
  expect_completed();
  ASSERT_EQ(stores_.abandoned().size(), 1U);
  EXPECT_EQ(stores_.abandoned()[0].multipart_id, "old");
  EXPECT_EQ(stores_.abandoned()[0].place.endpoint, "https://old.example");
  EXPECT_EQ(objects_.count("abort"), 0);
}

TEST_F(UploadRunTest, AfterTheBucketIsGoneItsMultipartUploadIsLeft) {
  request_.bucket = "not-configured";
  begin_at("https://old.example");
  int abandoned = 0;
  journal_.before["abandon"] = [&]() -> Result<> {
    ++abandoned;
    return {};
  };
  run();
  expect_failed(Errc::bucket_not_configured);
  EXPECT_EQ(abandoned, 1) << "by the run, not only by the end of the upload";
  ASSERT_EQ(stores_.abandoned().size(), 1U);
  EXPECT_EQ(stores_.abandoned()[0].multipart_id, "old");
  EXPECT_TRUE(objects_.calls.empty());
}

}  // namespace
}  // namespace vodlift::worker
