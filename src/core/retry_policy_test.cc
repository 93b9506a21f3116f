#include "core/retry_policy.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

TEST(RequestRetry, FullJitterDoublesUpToItsCap) {
  EXPECT_EQ(request_retry_delay(Errc::s3_transient, 2, 1.0), 100ms);
  EXPECT_EQ(request_retry_delay(Errc::network, 3, 1.0), 200ms);
  EXPECT_EQ(request_retry_delay(Errc::timeout, 5, 0.5), 400ms);
  EXPECT_EQ(request_retry_delay(Errc::s3_transient, 2, 0.0), 0ms);
}

TEST(RequestRetry, SlowDownBeginsAtASecond) {
  EXPECT_EQ(request_retry_delay(Errc::s3_throttled, 2, 1.0), 1s);
  EXPECT_EQ(request_retry_delay(Errc::s3_throttled, 5, 1.0), 8s);
  EXPECT_EQ(request_retry_delay(Errc::s3_full, 2, 1.0), std::nullopt) << "the next attempt tries again";
}

TEST(RequestRetry, EndsAfterTheLastTry) {
  EXPECT_TRUE(request_retry_delay(Errc::s3_transient, kMaxRequestTries, 0.5));
  EXPECT_FALSE(request_retry_delay(Errc::s3_transient, kMaxRequestTries + 1, 0.5));
}

TEST(RequestRetry, WhatWillNotPassIsNotTriedAgain) {
  for (const Errc code :
       {Errc::s3_access_denied, Errc::s3_no_such_bucket, Errc::s3_acl_refused, Errc::s3_region, Errc::s3_credential,
        Errc::source_changed, Errc::interrupted, Errc::s3_no_such_upload, Errc::storage_unavailable}) {
    EXPECT_FALSE(request_retry_delay(code, 2, 0.5)) << info(code).name;
  }
}

TEST(UploadRetry, GrowsToAnHourAndStops) {
  const Error error{Errc::s3_transient, ""};
  EXPECT_EQ(upload_retry_delay(error, 1, 1.0), 5s);
  EXPECT_EQ(upload_retry_delay(error, 1, 0.0), 2500ms);
  EXPECT_EQ(upload_retry_delay(error, 3, 1.0), 45s);
  EXPECT_EQ(upload_retry_delay(error, kMaxUploadAttempts - 1, 1.0), 1h);
  EXPECT_FALSE(upload_retry_delay(error, kMaxUploadAttempts, 1.0));
  EXPECT_FALSE(upload_retry_delay(Error{Errc::s3_access_denied, ""}, 1, 1.0));
  EXPECT_TRUE(upload_retry_delay(Error{Errc::s3_credential, ""}, 1, 1.0)) << "an operator mends it";
  EXPECT_FALSE(upload_retry_delay(Error{Errc::s3_credential, ""}, kMaxUploadAttempts, 1.0));
}

TEST(CallbackRetry, FollowsTheDocumentedSchedule) {
  const milliseconds expected[] = {5s, 5min, 30min, 2h, 5h, 10h, 14h, 20h, 24h};
  for (int made = 1; made < kMaxCallbackAttempts; ++made) {
    EXPECT_EQ(callback_retry_delay(made, std::nullopt, 0.0), expected[made - 1]);
    EXPECT_LE(*callback_retry_delay(made, std::nullopt, 1.0), expected[made - 1] * 1.1);
  }
  EXPECT_FALSE(callback_retry_delay(kMaxCallbackAttempts, std::nullopt, 0.0));
}

TEST(CallbackRetry, RetryAfterOnlyProlongsAndOnlyToADay) {
  EXPECT_EQ(callback_retry_delay(1, 60s, 0.0), 60s);
  EXPECT_EQ(callback_retry_delay(3, 1s, 0.0), 30min);
  EXPECT_EQ(callback_retry_delay(1, std::chrono::seconds(1000000), 0.0), 24h);
}

}  // namespace
}  // namespace vodlift
