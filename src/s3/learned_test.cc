#include "s3/learned.h"

#include <gtest/gtest.h>

#include <vector>

namespace vodlift::s3 {
namespace {

const WallTime kNow = from_unix_ms(784111777'000);  // Sun, 06 Nov 1994 08:49:37 GMT

BucketAccess access_to(std::string endpoint, std::string region = "us-east-1") {
  BucketAccess access;
  access.bucket = "videos";
  access.endpoint = std::move(endpoint);
  access.region = std::move(region);
  return access;
}

Failure refusal(int status, std::string code, std::string region = "") {
  Failure failure;
  failure.status = status;
  failure.code = std::move(code);
  failure.region = std::move(region);
  return failure;
}

TEST(InRegion, AwsEndpointsAreNamedByRegion) {
  const auto endpoint = [](std::string from) { return in_region(access_to(std::move(from)), "eu-west-1").endpoint; };
  EXPECT_EQ(endpoint("https://s3.amazonaws.com"), "https://s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(endpoint("https://s3.us-east-1.amazonaws.com"), "https://s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(endpoint("https://s3.dualstack.us-east-1.amazonaws.com"), "https://s3.dualstack.eu-west-1.amazonaws.com");
}

TEST(InRegion, NoOtherHostIsEverMadeUp) {
  for (const std::string_view other :
       {"https://s3.example.com", "http://127.0.0.1:9000", "https://s3.us-east-1.amazonaws.com.example.com",
        "https://s3.us-east-1.evil.com", "https://s3.us-west-2.amazonaws.com"}) {
    const BucketAccess moved = in_region(access_to(std::string(other)), "eu-west-1");
    EXPECT_EQ(moved.endpoint, other);
    EXPECT_EQ(moved.region, "eu-west-1");
  }
}

TEST(LearnedRegion, IsUsedFromThenOn) {
  Learned learned;
  const BucketAccess access = access_to("http://store:9000");
  EXPECT_EQ(learned.located(access).region, "us-east-1");
  EXPECT_TRUE(learned.learn_from(access, refusal(301, "PermanentRedirect", "eu-west-1"), "", kNow));
  EXPECT_EQ(learned.located(access).region, "eu-west-1");
  EXPECT_EQ(learned.located(access).endpoint, "http://store:9000");
  EXPECT_FALSE(learned.learn_from(access, refusal(400, "AuthorizationHeaderMalformed", "eu-west-1"), "", kNow))
      << "the request was signed for that region already";
  EXPECT_TRUE(learned.learn_from(access, refusal(307, "TemporaryRedirect", "us-east-1"), "", kNow))
      << "the bucket moved back";
  EXPECT_TRUE(learned.learn_from(access, refusal(400, "", "eu-west-2"), "", kNow)) << "the answer to a HEAD";
  BucketAccess other = access;
  other.bucket = "other";
  EXPECT_EQ(learned.located(other).region, "us-east-1");
}

TEST(LearnedRegion, OnlyWhatCanBeARegion) {
  Learned learned;
  const BucketAccess access = access_to("http://store:9000");
  const std::vector<std::string> others = {"", "EU", "eu west", "a/b", "evil.com", "x\r\ny", std::string(33, 'a')};
  for (const std::string& region : others) {
    EXPECT_FALSE(learned.learn_from(access, refusal(301, "PermanentRedirect", region), "", kNow)) << region;
  }
  EXPECT_FALSE(learned.learn_from(access, refusal(403, "AccessDenied", "eu-west-1"), "", kNow));
  EXPECT_FALSE(learned.learn_from(access, refusal(400, "InvalidRequest", "eu-west-1"), "", kNow));
  EXPECT_EQ(learned.located(access).region, "us-east-1");
}

TEST(LearnedTime, IsTheStores) {
  Learned learned;
  const BucketAccess access = access_to("http://store:9000");
  const Failure skewed = refusal(403, "RequestTimeTooSkewed");
  EXPECT_FALSE(learned.learn_from(access, skewed, "no date", kNow));
  EXPECT_FALSE(learned.learn_from(access, skewed, "Sun, 06 Nov 1994 08:50:00 GMT", kNow)) << "not what it refused";
  EXPECT_TRUE(learned.learn_from(access, skewed, "Sun, 06 Nov 1994 09:09:37 GMT", kNow));
  EXPECT_EQ(learned.time_at(access, kNow) - kNow, std::chrono::minutes(20));
  EXPECT_FALSE(learned.learn_from(access, skewed, "Sun, 06 Nov 1994 09:09:38 GMT", kNow)) << "known by now";
  EXPECT_TRUE(learned.learn_from(access, skewed, "Sun, 06 Nov 1994 08:49:37 GMT", kNow)) << "our clock was set";
  EXPECT_EQ(learned.time_at(access, kNow), kNow);
  EXPECT_EQ(learned.time_at(access_to("http://other"), kNow), kNow);
}

TEST(LearnedTime, IsKeptWhereTheBucketLiesInAnotherRegion) {
  Learned learned;
  const BucketAccess access = access_to("https://s3.us-east-1.amazonaws.com");
  EXPECT_TRUE(learned.learn_from(access, refusal(301, "PermanentRedirect", "eu-west-1"), "", kNow));
  ASSERT_NE(learned.located(access).endpoint, access.endpoint);
  EXPECT_TRUE(learned.learn_from(access, refusal(403, "RequestTimeTooSkewed"), "Sun, 06 Nov 1994 09:09:37 GMT", kNow));
  const BucketAccess there = access_to("https://s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(learned.time_at(access, kNow) - kNow, std::chrono::minutes(20));
  EXPECT_EQ(learned.time_at(there, kNow), kNow) << "by the endpoint that was configured, whatever it led to";
}

TEST(Learned, IsBounded) {
  Learned learned;
  for (std::size_t i = 0; i <= kMaxLearned; ++i) {
    learned.learn_checksums(access_to("http://store" + std::to_string(i)), {.whole = ChecksumMode::md5});
  }
  EXPECT_EQ(learned.checksums(access_to("http://store0")), Checksums{});
  EXPECT_EQ(learned.checksums(access_to("http://store" + std::to_string(kMaxLearned))).whole, ChecksumMode::md5);
}

TEST(Learned, ChecksumsOfAnEndpointAreLearntOneByOne) {
  Learned learned;
  const BucketAccess store = access_to("http://store");
  learned.learn_checksums(store, {.whole = ChecksumMode::crc32c});
  learned.learn_checksums(store, {.multipart = ChecksumMode::md5, .refuses_wrong_md5 = true});
  EXPECT_EQ(learned.checksums(store), (Checksums{ChecksumMode::crc32c, ChecksumMode::md5, true}));
  learned.learn_checksums(store, {.multipart = ChecksumMode::crc32c_composite});
  EXPECT_EQ(learned.checksums(store), (Checksums{ChecksumMode::crc32c, ChecksumMode::crc32c_composite, true}));
  learned.learn_checksums(store, {.trailing = false});
  EXPECT_EQ(learned.checksums(store), (Checksums{ChecksumMode::crc32c, ChecksumMode::crc32c_composite, true, false}));
  EXPECT_EQ(learned.checksums(access_to("http://other")), Checksums{});
}

TEST(Learned, TrailingChecksumsAreTriedByOneAtATimeUntilTheyAreKnown) {
  Learned learned;
  const BucketAccess store = access_to("http://store");
  EXPECT_TRUE(learned.begin_trailing_trial(store));
  EXPECT_FALSE(learned.begin_trailing_trial(store)) << "somebody is trying";
  EXPECT_TRUE(learned.begin_trailing_trial(access_to("http://other")));
  learned.end_trailing_trial(store, std::nullopt);
  EXPECT_FALSE(learned.checksums(store).trailing);
  EXPECT_TRUE(learned.begin_trailing_trial(store));
  learned.end_trailing_trial(store, true);
  EXPECT_EQ(learned.checksums(store).trailing, true);
  EXPECT_FALSE(learned.begin_trailing_trial(store)) << "it is known";
  learned.learn_checksums(store, {.trailing = false});
  EXPECT_FALSE(learned.begin_trailing_trial(store));
}

}  // namespace
}  // namespace vodlift::s3
