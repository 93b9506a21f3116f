#include "s3/s3_metrics.h"

#include <gtest/gtest.h>

namespace vodlift::s3 {
namespace {

using namespace std::chrono_literals;

std::string text_of(const S3Metrics& metrics) {
  MetricsText text;
  metrics.write(text);
  return text.take();
}

TEST(S3Metrics, CountByOperationAndResult) {
  S3Metrics metrics;
  metrics.began("UploadPart 17");
  metrics.began("UploadPart 18");
  metrics.ended("UploadPart 17", RequestResult::throttled, 20ms);
  const std::string text = text_of(metrics);
  EXPECT_NE(text.find("vodlift_s3_requests_total{operation=\"UploadPart\",result=\"throttled\"} 1\n"),
            std::string::npos);
  EXPECT_NE(text.find("vodlift_s3_requests_in_flight{operation=\"UploadPart\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("_bucket{operation=\"UploadPart\",le=\"0.01\"} 0\n"), std::string::npos);
  EXPECT_NE(text.find("_bucket{operation=\"UploadPart\",le=\"0.025\"} 1\n"), std::string::npos);
}

TEST(S3Metrics, WhatIsNotKnownIsCountedTogether) {
  S3Metrics metrics;
  metrics.began("GetObjectAcl");
  metrics.ended("GetObjectAcl", RequestResult::ok, 1ms);
  EXPECT_NE(text_of(metrics).find("{operation=\"other\",result=\"ok\"} 1\n"), std::string::npos);
}

TEST(S3Metrics, ARequestThatWasNotSentHasNoTime) {
  S3Metrics metrics;
  metrics.began("HeadObject");
  metrics.ended("HeadObject", RequestResult::not_sent, 5s);
  EXPECT_NE(text_of(metrics).find("_count{operation=\"HeadObject\"} 0\n"), std::string::npos);
}

TEST(S3Metrics, ResultsFollowTheOutcome) {
  EXPECT_EQ(result_of(Outcome::answered, false), RequestResult::ok);
  EXPECT_EQ(result_of(Outcome::looked, true), RequestResult::refused);
  EXPECT_EQ(result_of(Outcome::key_refused, true), RequestResult::credentials);
  EXPECT_EQ(result_of(Outcome::not_sent, true), RequestResult::not_sent);
}

}  // namespace
}  // namespace vodlift::s3
