#include "s3/traffic.h"

#include <gtest/gtest.h>

namespace vodlift::s3 {
namespace {

using std::chrono::milliseconds;

class TrafficTest : public testing::Test {
 protected:
  static BucketAccess at(std::string endpoint, std::string bucket = "videos") {
    BucketAccess access;
    access.endpoint = std::move(endpoint);
    access.bucket = std::move(bucket);
    return access;
  }
  // Asks to enter; counts those that went.
  Result<> enter(const BucketAccess& access) {
    return traffic_.enter(access, [this] { ++gone_; });
  }
  bool enters_and_leaves(const BucketAccess& access, Answered how) {
    if (!enter(access)) return false;
    traffic_.leave(access, how);
    return true;
  }
  void bring_down(const BucketAccess& access) {
    for (int i = 0; i < limits_.failures_to_pause; ++i) ASSERT_TRUE(enters_and_leaves(access, Answered::failing));
  }

  TrafficLimits limits_{.most_at_once = 8, .failures_to_pause = 4, .most_tokens = 4, .endpoints = 4};
  std::chrono::steady_clock::time_point now_{};
  Traffic traffic_{limits_, [this] { return now_; }};
  int gone_ = 0;
};

TEST(AnsweredBy, WhatTheStoreIsToBlameFor) {
  EXPECT_EQ(answered(std::nullopt), Answered::well);
  EXPECT_EQ(answered(Errc::s3_access_denied), Answered::well);
  EXPECT_EQ(answered(Errc::s3_credential), Answered::well);
  EXPECT_EQ(answered(Errc::interrupted), Answered::unasked);
  EXPECT_EQ(answered(Errc::source_unreadable), Answered::unasked);
  EXPECT_EQ(answered(Errc::s3_throttled), Answered::throttled);
  EXPECT_EQ(answered(Errc::s3_transient), Answered::failing);
  EXPECT_EQ(answered(Errc::timeout), Answered::failing);
}

TEST_F(TrafficTest, WhatHasNoRoomWaitsInItsOrder) {
  const BucketAccess bucket = at("http://a");
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(enter(bucket));
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(traffic_.enter(bucket, [&order, i] { order.push_back(i); }));
  EXPECT_EQ(gone_, 8);
  EXPECT_TRUE(order.empty());
  ASSERT_TRUE(enter(at("http://a", "other"))) << "each bucket has its own room";
  EXPECT_EQ(gone_, 9);
  for (int i = 0; i < 3; ++i) traffic_.leave(bucket, Answered::well);
  EXPECT_EQ(order, (std::vector{0, 1, 2}));
}

TEST_F(TrafficTest, SlowDownHalvesOnceAndSuccessGrowsBack) {
  const BucketAccess bucket = at("http://a");
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(enter(bucket));
  EXPECT_EQ(gone_, 8);
  for (int i = 0; i < 4; ++i) traffic_.leave(bucket, Answered::throttled);
  EXPECT_EQ(gone_, 8) << "four run, and four is the most now: one word, however often it was said";
  traffic_.leave(bucket, Answered::well);
  EXPECT_EQ(gone_, 9);
  now_ += milliseconds(1001);
  traffic_.leave(bucket, Answered::throttled);
  EXPECT_EQ(gone_, 9) << "two are the most now";
  for (int i = 0; i < 3; ++i) traffic_.leave(bucket, Answered::well);
  EXPECT_GE(gone_, 11);
}

TEST_F(TrafficTest, OneAtLeastAlwaysGoes) {
  const BucketAccess bucket = at("http://a");
  for (int i = 0; i < 20; ++i) {
    now_ += milliseconds(1001);
    ASSERT_TRUE(enters_and_leaves(bucket, Answered::throttled));
  }
  EXPECT_EQ(gone_, 20);
}

TEST_F(TrafficTest, ADeadEndpointIsAskedNowAndThen) {
  const BucketAccess bucket = at("http://dead");
  bring_down(bucket);
  const auto refused = enter(bucket);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::s3_unavailable);
  EXPECT_NE(refused.error().message.find("http://dead"), std::string::npos);
  EXPECT_TRUE(enter(at("http://alive"))) << "others go on";

  now_ += limits_.first_pause;
  ASSERT_TRUE(enter(bucket)) << "one asks";
  EXPECT_FALSE(enter(bucket)) << "one only";
  EXPECT_FALSE(traffic_.leave(bucket, Answered::failing));
  now_ += limits_.first_pause;
  EXPECT_FALSE(enter(bucket)) << "the pause is longer now";
  now_ += limits_.first_pause;
  ASSERT_TRUE(enter(bucket));
  traffic_.leave(bucket, Answered::well);
  EXPECT_TRUE(enters_and_leaves(bucket, Answered::well));
}

TEST_F(TrafficTest, WhatTheStoreWasNotAskedSaysNothingOfIt) {
  const BucketAccess bucket = at("http://dead");
  for (int i = 0; i < 3 * limits_.failures_to_pause; ++i) ASSERT_TRUE(enters_and_leaves(bucket, Answered::unasked));
  bring_down(bucket);
  now_ += limits_.first_pause;
  ASSERT_TRUE(enters_and_leaves(bucket, Answered::unasked));
  ASSERT_TRUE(enter(bucket)) << "so that another one asks";
  EXPECT_FALSE(enter(bucket)) << "and it is still down";
  EXPECT_FALSE(traffic_.leave(bucket, Answered::failing));
}

TEST_F(TrafficTest, ThePauseIsBounded) {
  const BucketAccess bucket = at("http://dead");
  bring_down(bucket);
  for (int i = 0; i < 20; ++i) {
    now_ += limits_.longest_pause;
    ASSERT_TRUE(enters_and_leaves(bucket, Answered::failing)) << i;
  }
}

TEST_F(TrafficTest, ASuccessBetweenFailuresCounts) {
  const BucketAccess bucket = at("http://a");
  for (int i = 0; i < 3 * limits_.failures_to_pause; ++i) {
    ASSERT_TRUE(enters_and_leaves(bucket, i % 2 == 0 ? Answered::failing : Answered::well));
  }
}

TEST_F(TrafficTest, TriesAgainAreEarned) {
  const BucketAccess bucket = at("http://a");
  const auto fails = [&] {
    EXPECT_TRUE(enter(bucket));
    return traffic_.leave(bucket, Answered::throttled);
  };
  EXPECT_TRUE(fails());
  EXPECT_TRUE(fails());
  EXPECT_TRUE(fails());
  EXPECT_FALSE(fails()) << "four were granted";
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(enters_and_leaves(bucket, Answered::well));
  EXPECT_TRUE(fails()) << "one was earned";
  EXPECT_FALSE(fails());
}

TEST_F(TrafficTest, MemoryIsBounded) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(enters_and_leaves(at("http://" + std::to_string(i)), Answered::failing));
  bring_down(at("http://dead"));
  EXPECT_FALSE(enter(at("http://dead")));
}

TEST_F(TrafficTest, OpenLetsAllGo) {
  const BucketAccess bucket = at("http://a");
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(enter(bucket));
  bring_down(at("http://dead"));
  traffic_.open();
  EXPECT_EQ(gone_, 20 + limits_.failures_to_pause);
  EXPECT_TRUE(enter(at("http://dead"))) << "it fails by itself, the client being stopped";
}

}  // namespace
}  // namespace vodlift::s3
