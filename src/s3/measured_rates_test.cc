#include "s3/measured_rates.h"

#include <gtest/gtest.h>

namespace vodlift::s3 {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kMiB = std::int64_t{1024} * 1024;

class MeasuredRatesTest : public testing::Test {
 protected:
  static BucketAccess at(std::string endpoint, std::string bucket = "videos") {
    BucketAccess access;
    access.endpoint = std::move(endpoint);
    access.bucket = std::move(bucket);
    return access;
  }

  std::chrono::steady_clock::time_point now_{};
  MeasuredRates rates_{[this] { return now_; }};
};

TEST_F(MeasuredRatesTest, NothingIsKnownAtFirst) { EXPECT_EQ(rates_.rate(at("http://a")), std::nullopt); }

TEST_F(MeasuredRatesTest, EachBucketHasItsOwn) {
  rates_.add(at("http://a"), 16 * kMiB, 4s);
  rates_.add(at("http://a", "other"), 16 * kMiB, 1s);
  EXPECT_EQ(rates_.rate(at("http://a")), 4 * kMiB);
  EXPECT_EQ(rates_.rate(at("http://a", "other")), 16 * kMiB);
  EXPECT_EQ(rates_.rate(at("http://b")), std::nullopt);
}

TEST_F(MeasuredRatesTest, SmallRequestsAndThoseWithoutATimeCountNothing) {
  rates_.add(at("http://a"), kLeastMeasuredBytes - 1, 1s);
  rates_.add(at("http://a"), 16 * kMiB, 0s);
  EXPECT_EQ(rates_.rate(at("http://a")), std::nullopt);
  rates_.add(at("http://a"), kLeastMeasuredBytes, 1s);
  EXPECT_EQ(rates_.rate(at("http://a")), kLeastMeasuredBytes);
}

TEST_F(MeasuredRatesTest, OneMeasurementNeitherCountsForAllNorForNothing) {
  for (int i = 0; i < 50; ++i) rates_.add(at("http://a"), 8 * kMiB, 1s);
  rates_.add(at("http://a"), 8 * kMiB, 2s);
  EXPECT_LT(rates_.rate(at("http://a")), 8 * kMiB);
  EXPECT_GT(rates_.rate(at("http://a")), 7 * kMiB);
}

TEST_F(MeasuredRatesTest, ARateFallsWithinAFewRequestsAndRisesWithinTens) {
  const BucketAccess bucket = at("http://a");
  for (int i = 0; i < 50; ++i) rates_.add(bucket, 16 * kMiB, 100ms);
  for (int i = 0; i < 3; ++i) rates_.add(bucket, 16 * kMiB, 16s);
  EXPECT_LT(rates_.rate(bucket), 4 * kMiB);
  for (int i = 0; i < 50; ++i) rates_.add(bucket, 8 * kMiB, 50ms);
  EXPECT_GT(rates_.rate(bucket), 80 * kMiB);
}

TEST_F(MeasuredRatesTest, WhatWasLongAgoIsForgotten) {
  const BucketAccess bucket = at("http://a");
  rates_.add(bucket, 16 * kMiB, 16s);
  now_ += kRateLasts;
  EXPECT_EQ(rates_.rate(bucket), kMiB);
  now_ += 1s;
  EXPECT_EQ(rates_.rate(bucket), std::nullopt);
  rates_.add(bucket, 16 * kMiB, 1s);
  EXPECT_EQ(rates_.rate(bucket), 16 * kMiB) << "and does not count in what is measured afterwards";
}

TEST_F(MeasuredRatesTest, RatesAreBounded) {
  for (std::size_t i = 0; i < kMaxMeasuredBuckets; ++i) rates_.add(at("http://a", std::to_string(i)), 8 * kMiB, 1s);
  rates_.add(at("http://a", "0"), 8 * kMiB, 1s);
  EXPECT_EQ(rates_.rate(at("http://a", "1")), 8 * kMiB) << "one that is known needs no room";
  rates_.add(at("http://a", "more"), 8 * kMiB, 1s);
  EXPECT_EQ(rates_.rate(at("http://a", "1")), std::nullopt);
  EXPECT_EQ(rates_.rate(at("http://a", "more")), 8 * kMiB);
}

TEST_F(MeasuredRatesTest, TheFastestRequestIsANumberToo) {
  rates_.add(at("http://a"), kMaxPartBytes, 1ns);
  EXPECT_GT(rates_.rate(at("http://a")), 0);
  rates_.add(at("http://a"), kLeastMeasuredBytes, std::chrono::nanoseconds::max());
  EXPECT_EQ(rates_.rate(at("http://a")), 0);
}

}  // namespace
}  // namespace vodlift::s3
