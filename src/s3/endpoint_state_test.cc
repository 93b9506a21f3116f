#include "s3/endpoint_state.h"

#include <gtest/gtest.h>

#include <vector>

namespace vodlift::s3 {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kMiB = std::int64_t{1024} * 1024;
const std::size_t kMaxEntries = EndpointLimits{}.max_entries;
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

TEST(InRegion, OtherHostsStayAsTheyAre) {
  for (const std::string_view other :
       {"https://s3.example.com", "http://127.0.0.1:9000", "https://s3.us-east-1.amazonaws.com.example.com",
        "https://s3.us-east-1.evil.com", "https://s3.us-west-2.amazonaws.com"}) {
    const BucketAccess moved = in_region(access_to(std::string(other)), "eu-west-1");
    EXPECT_EQ(moved.endpoint, other);
    EXPECT_EQ(moved.region, "eu-west-1");
  }
}

TEST(EndpointRegion, IsUsedFromThenOn) {
  EndpointStates states;
  const BucketAccess access = access_to("http://store:9000");
  EXPECT_EQ(states.located(access).region, "us-east-1");
  EXPECT_TRUE(states.note_refusal(access, refusal(301, "PermanentRedirect", "eu-west-1"), "", kNow));
  EXPECT_EQ(states.located(access).region, "eu-west-1");
  EXPECT_EQ(states.located(access).endpoint, "http://store:9000");
  EXPECT_FALSE(states.note_refusal(access, refusal(400, "AuthorizationHeaderMalformed", "eu-west-1"), "", kNow))
      << "the request was signed for that region already";
  EXPECT_TRUE(states.note_refusal(access, refusal(307, "TemporaryRedirect", "us-east-1"), "", kNow))
      << "the bucket moved back";
  EXPECT_TRUE(states.note_refusal(access, refusal(400, "", "eu-west-2"), "", kNow)) << "the answer to a HEAD";
  BucketAccess other = access;
  other.bucket = "other";
  EXPECT_EQ(states.located(other).region, "us-east-1");
}

TEST(EndpointRegion, IsTakenOnlyWhenItCanBeARegion) {
  EndpointStates states;
  const BucketAccess access = access_to("http://store:9000");
  const std::vector<std::string> others = {"", "EU", "eu west", "a/b", "evil.com", "x\r\ny", std::string(33, 'a')};
  for (const std::string& region : others) {
    EXPECT_FALSE(states.note_refusal(access, refusal(301, "PermanentRedirect", region), "", kNow)) << region;
  }
  EXPECT_FALSE(states.note_refusal(access, refusal(403, "AccessDenied", "eu-west-1"), "", kNow));
  EXPECT_FALSE(states.note_refusal(access, refusal(400, "InvalidRequest", "eu-west-1"), "", kNow));
  EXPECT_EQ(states.located(access).region, "us-east-1");
}

TEST(EndpointTime, IsTheStores) {
  EndpointStates states;
  const BucketAccess access = access_to("http://store:9000");
  const Failure skewed = refusal(403, "RequestTimeTooSkewed");
  EXPECT_FALSE(states.note_refusal(access, skewed, "no date", kNow));
  EXPECT_FALSE(states.note_refusal(access, skewed, "Sun, 06 Nov 1994 08:50:00 GMT", kNow)) << "not what it refused";
  EXPECT_TRUE(states.note_refusal(access, skewed, "Sun, 06 Nov 1994 09:09:37 GMT", kNow));
  EXPECT_EQ(states.time_at(access, kNow) - kNow, std::chrono::minutes(20));
  EXPECT_FALSE(states.note_refusal(access, skewed, "Sun, 06 Nov 1994 09:09:38 GMT", kNow)) << "known by now";
  EXPECT_TRUE(states.note_refusal(access, skewed, "Sun, 06 Nov 1994 08:49:37 GMT", kNow)) << "our clock was set";
  EXPECT_EQ(states.time_at(access, kNow), kNow);
  EXPECT_EQ(states.time_at(access_to("http://other"), kNow), kNow);
}

TEST(EndpointTime, IsKeptWhereTheBucketLiesInAnotherRegion) {
  EndpointStates states;
  const BucketAccess access = access_to("https://s3.us-east-1.amazonaws.com");
  EXPECT_TRUE(states.note_refusal(access, refusal(301, "PermanentRedirect", "eu-west-1"), "", kNow));
  ASSERT_NE(states.located(access).endpoint, access.endpoint);
  EXPECT_TRUE(states.note_refusal(access, refusal(403, "RequestTimeTooSkewed"), "Sun, 06 Nov 1994 09:09:37 GMT", kNow));
  const BucketAccess there = access_to("https://s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(states.time_at(access, kNow) - kNow, std::chrono::minutes(20));
  EXPECT_EQ(states.time_at(there, kNow), kNow) << "by the endpoint that was configured, whatever it led to";
}

TEST(EndpointFacts, AreBounded) {
  EndpointStates states;
  for (std::size_t i = 0; i <= kMaxEntries; ++i) {
    states.add_facts(access_to("http://store" + std::to_string(i)), {.whole = ChecksumMode::md5});
  }
  EXPECT_EQ(states.facts(access_to("http://store0")), EndpointFacts{});
  EXPECT_EQ(states.facts(access_to("http://store" + std::to_string(kMaxEntries))).whole, ChecksumMode::md5);
}

TEST(EndpointFacts, AreAddedOneByOne) {
  EndpointStates states;
  const BucketAccess store = access_to("http://store");
  states.add_facts(store, {.whole = ChecksumMode::crc32c});
  states.add_facts(store, {.multipart = ChecksumMode::md5, .refuses_wrong_md5 = true});
  EXPECT_EQ(states.facts(store), (EndpointFacts{ChecksumMode::crc32c, ChecksumMode::md5, true}));
  states.add_facts(store, {.multipart = ChecksumMode::crc32c_composite});
  EXPECT_EQ(states.facts(store), (EndpointFacts{ChecksumMode::crc32c, ChecksumMode::crc32c_composite, true}));
  states.add_facts(store, {.trailing = false});
  EXPECT_EQ(states.facts(store), (EndpointFacts{ChecksumMode::crc32c, ChecksumMode::crc32c_composite, true, false}));
  EXPECT_EQ(states.facts(access_to("http://other")), EndpointFacts{});
}

TEST(EndpointFacts, TrailingChecksumsAreTriedByOneAtATimeUntilTheyAreKnown) {
  EndpointStates states;
  const BucketAccess store = access_to("http://store");
  auto trial = states.begin_trailing_trial(store);
  EXPECT_TRUE(trial);
  EXPECT_FALSE(states.begin_trailing_trial(store)) << "another trial is running";
  EXPECT_TRUE(states.begin_trailing_trial(access_to("http://other")));
  trial.reset();
  EXPECT_FALSE(states.facts(store).trailing);
  trial = states.begin_trailing_trial(store);
  EXPECT_TRUE(trial);
  states.add_facts(store, {.trailing = true});
  trial.reset();
  EXPECT_FALSE(states.begin_trailing_trial(store)) << "it is known";
  states.add_facts(store, {.trailing = false});
  EXPECT_FALSE(states.begin_trailing_trial(store));
}

// The same record holds facts, traffic and rates: one does not disturb the other.
TEST(EndpointStates, OneRecordHoldsFactsTrafficAndRates) {
  EndpointStates states;
  const BucketAccess access = access_to("http://store");
  states.add_facts(access, {.whole = ChecksumMode::crc32c});
  ASSERT_TRUE(states.enter({access, "film"}, [] {}));
  states.add_measurement(access, 16 * kMiB, 1s);
  EXPECT_TRUE(states.note_refusal(access, refusal(301, "PermanentRedirect", "eu-west-1"), "", kNow));
  EXPECT_TRUE(states.leave({access, "film"}, Outcome::throttled));
  EXPECT_EQ(states.facts(access).whole, ChecksumMode::crc32c);
  EXPECT_EQ(states.rate(access), 16 * kMiB);
  EXPECT_EQ(states.located(access).region, "eu-west-1");
}

class EndpointRateTest : public testing::Test {
 protected:
  static BucketAccess at(std::string endpoint, std::string bucket = "videos") {
    BucketAccess access;
    access.endpoint = std::move(endpoint);
    access.bucket = std::move(bucket);
    return access;
  }

  SteadyTime now_{};
  EndpointStates rates_{{}, [this] { return now_; }};
};

TEST_F(EndpointRateTest, NothingIsKnownAtFirst) { EXPECT_EQ(rates_.rate(at("http://a")), std::nullopt); }

TEST_F(EndpointRateTest, EachBucketHasItsOwn) {
  rates_.add_measurement(at("http://a"), 16 * kMiB, 4s);
  rates_.add_measurement(at("http://a", "other"), 16 * kMiB, 1s);
  EXPECT_EQ(rates_.rate(at("http://a")), 4 * kMiB);
  EXPECT_EQ(rates_.rate(at("http://a", "other")), 16 * kMiB);
  EXPECT_EQ(rates_.rate(at("http://b")), std::nullopt);
}

TEST_F(EndpointRateTest, SmallRequestsAndThoseWithoutATimeDoNotCount) {
  rates_.add_measurement(at("http://a"), kMinMeasuredBytes - 1, 1s);
  rates_.add_measurement(at("http://a"), 16 * kMiB, 0s);
  EXPECT_EQ(rates_.rate(at("http://a")), std::nullopt);
  rates_.add_measurement(at("http://a"), kMinMeasuredBytes, 1s);
  EXPECT_EQ(rates_.rate(at("http://a")), kMinMeasuredBytes);
}

TEST_F(EndpointRateTest, OneMeasurementChangesTheRateALittle) {
  for (int i = 0; i < 50; ++i) rates_.add_measurement(at("http://a"), 8 * kMiB, 1s);
  rates_.add_measurement(at("http://a"), 8 * kMiB, 2s);
  EXPECT_LT(rates_.rate(at("http://a")), 8 * kMiB);
  EXPECT_GT(rates_.rate(at("http://a")), 7 * kMiB);
}

TEST_F(EndpointRateTest, ARateFallsWithinAFewRequestsAndRisesWithinTens) {
  const BucketAccess bucket = at("http://a");
  for (int i = 0; i < 50; ++i) rates_.add_measurement(bucket, 16 * kMiB, 100ms);
  for (int i = 0; i < 3; ++i) rates_.add_measurement(bucket, 16 * kMiB, 16s);
  EXPECT_LT(rates_.rate(bucket), 4 * kMiB);
  for (int i = 0; i < 50; ++i) rates_.add_measurement(bucket, 8 * kMiB, 50ms);
  EXPECT_GT(rates_.rate(bucket), 80 * kMiB);
}

TEST_F(EndpointRateTest, OldMeasurementsExpire) {
  const BucketAccess bucket = at("http://a");
  rates_.add_measurement(bucket, 16 * kMiB, 16s);
  now_ += kRateLifetime;
  EXPECT_EQ(rates_.rate(bucket), kMiB);
  now_ += 1s;
  EXPECT_EQ(rates_.rate(bucket), std::nullopt);
  rates_.add_measurement(bucket, 16 * kMiB, 1s);
  EXPECT_EQ(rates_.rate(bucket), 16 * kMiB) << "the expired ones do not count any more";
}

TEST_F(EndpointRateTest, RatesAreBounded) {
  for (std::size_t i = 0; i < kMaxEntries; ++i) rates_.add_measurement(at("http://a", std::to_string(i)), 8 * kMiB, 1s);
  rates_.add_measurement(at("http://a", "0"), 8 * kMiB, 1s);
  EXPECT_EQ(rates_.rate(at("http://a", "1")), 8 * kMiB) << "one that is known needs no room";
  rates_.add_measurement(at("http://a", "more"), 8 * kMiB, 1s);
  EXPECT_EQ(rates_.rate(at("http://a", "1")), std::nullopt);
  EXPECT_EQ(rates_.rate(at("http://a", "more")), 8 * kMiB);
}

TEST_F(EndpointRateTest, TheFastestRequestIsANumberToo) {
  rates_.add_measurement(at("http://a"), kMaxPartBytes, 1ns);
  EXPECT_GT(rates_.rate(at("http://a")), 0);
  rates_.add_measurement(at("http://a"), kMinMeasuredBytes, std::chrono::nanoseconds::max());
  EXPECT_EQ(rates_.rate(at("http://a")), 0);
}

}  // namespace
}  // namespace vodlift::s3
