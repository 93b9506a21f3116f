// No litter: what is recorded in the ledger of multipart uploads, and what is aborted.
#include "worker/upload_run_test.h"

namespace vodlift::worker {
namespace {

TEST_F(UploadRunTest, EveryCreateIsInTheLedgerBeforeItIsSent) {
  storages_.bytes = std::string(kThreeParts, 'v');
  uploads_.on_intend = [&] { EXPECT_EQ(objects_.count("create"), 0); };
  run();
  expect_completed();
  EXPECT_EQ(uploads_.ledger_calls, std::vector<std::string>{"intend film.mp4"});
}

TEST_F(UploadRunTest, ACreateWithoutAnAnswerMakesTheNextOneAnotherEntry) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["create"] = {Errc::timeout, Errc::s3_throttled, Errc::s3_transient};
  run();
  EXPECT_EQ(objects_.count("create"), 4);
  EXPECT_EQ(uploads_.ledger_calls, std::vector<std::string>(3, "intend film.mp4")) << "a refused one opened nothing";
}

TEST_F(UploadRunTest, ARefusedCreateIsWithdrawn) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.script["create"] = {Errc::s3_access_denied};
  run();
  expect_failed(Errc::s3_access_denied);
  EXPECT_EQ(uploads_.ledger_calls, (std::vector<std::string>{"intend film.mp4", "withdraw"}));
}

TEST_F(UploadRunTest, AnAbortThatFailsIsLeftToTheReaper) {
  storages_.bytes = std::string(kThreeParts, 'v');
  storages_.changing_opens = 1;
  objects_.script["abort"] = std::deque<Errc>(kMaxRequestTries, Errc::s3_transient);
  run();
  ASSERT_TRUE(uploads_.ending);
  EXPECT_EQ(uploads_.ending->state, UploadState::completed) << "it does not hold up the upload";
  EXPECT_EQ(uploads_.ledger_calls, (std::vector<std::string>{"intend film.mp4", "abandon", "intend film.mp4"}));
}

TEST_F(UploadRunTest, WhatLiesAtAnotherEndpointIsNotAskedForAtThisOne) {
  storages_.bytes = std::string(kThreeParts, 'v');
  claimed_.journal = {"old", "https://old.example", kPreferredPartBytes, {}, ChecksumMode::crc32c, Acl::private_acl,
                      {}};
  accounts_.change([](BucketAccess& bucket) { bucket.endpoint = "https://new.example"; });
  run();
  expect_completed();
  EXPECT_EQ(uploads_.ledger_calls, (std::vector<std::string>{"abandon", "intend film.mp4"}));
  EXPECT_EQ(objects_.count("abort"), 0);
}

TEST_F(UploadRunTest, AfterTheBucketIsGoneItsMultipartUploadIsLeft) {
  claimed_.journal = {"old", "https://old.example", kPreferredPartBytes, {}, ChecksumMode::crc32c, Acl::private_acl,
                      {}};
  claimed_.upload.request.bucket = "not-configured";
  run();
  expect_failed(Errc::bucket_not_configured);
  EXPECT_EQ(uploads_.ledger_calls, std::vector<std::string>{"abandon"});
  EXPECT_TRUE(objects_.calls.empty());
}

}  // namespace
}  // namespace vodlift::worker
