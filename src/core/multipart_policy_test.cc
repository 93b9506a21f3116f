#include "core/multipart_policy.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kIntended = from_unix_ms(1'700'000'000'000);

AbandonedMultipart entry() {
  AbandonedMultipart entry;
  entry.first = kIntended;
  entry.last = kIntended + 1min;
  return entry;
}

// The ids that may be of `entry()` in a listing of one, begun at `begun` by the store's clock.
std::size_t found(std::optional<WallTime> begun, std::chrono::milliseconds store_ahead = 0ms) {
  return opened_by(entry(), {{{"id", begun, ""}}, store_ahead}, {})->size();
}

TEST(MultipartPolicy, TheDelayIsDoubledUpToSixHours) {
  EXPECT_EQ(reaper_retry_delay(1, 1min), 1min);
  EXPECT_EQ(reaper_retry_delay(2, 1min), 2min);
  EXPECT_EQ(reaper_retry_delay(5, 1min), 16min);
  EXPECT_EQ(reaper_retry_delay(10, 1min), 6h);
  EXPECT_EQ(reaper_retry_delay(1'000'000, 1min), 6h);
}

TEST(MultipartPolicy, OnlyTwoErrorsConcernOneEntry) {
  EXPECT_FALSE(concerns_whole_bucket(Errc::s3_rejected));
  EXPECT_FALSE(concerns_whole_bucket(Errc::s3_unverifiable));
  EXPECT_TRUE(concerns_whole_bucket(Errc::s3_access_denied));
  EXPECT_TRUE(concerns_whole_bucket(Errc::network));
}

TEST(MultipartPolicy, ItWasBegunWhileACreateCouldBeUnderWay) {
  EXPECT_EQ(found(kIntended - 3s), 1U);
  EXPECT_EQ(found(kIntended - 4s), 0U);
  EXPECT_EQ(found(kIntended + 6min), 1U) << "five minutes after the last Create";
  EXPECT_EQ(found(kIntended + 6min + 1s), 0U);
  EXPECT_EQ(found(kIntended, 1h), 0U) << "an hour before, by our clock";
  EXPECT_EQ(found(kIntended + 1h, 1h), 1U);
}

TEST(MultipartPolicy, TheKnownOnesAreNotCandidates) {
  const MultipartListing listing{{{"a", kIntended, ""}, {"b", kIntended, ""}}, 0ms};
  const auto candidates = opened_by(entry(), listing, {"a"});
  ASSERT_EQ(candidates->size(), 1U);
  EXPECT_EQ(candidates->at(0).id, "b");
}

TEST(MultipartPolicy, WithoutATimeNothingCanBeSaid) {
  const MultipartListing listing{{{"a", std::nullopt, ""}}, 0ms};
  EXPECT_EQ(opened_by(entry(), listing, {}).error().code, Errc::s3_unverifiable);
  EXPECT_TRUE(opened_by(entry(), listing, {"a"})) << "a known one needs none";
}

TEST(MultipartPolicy, OfOurOwnPrincipalInAnySession) {
  const std::string ours = "arn:aws:sts::1:assumed-role/vodlift/session-1";
  const std::vector<ListedMultipart> listed = {{"a", kIntended, "arn:aws:sts::1:assumed-role/vodlift/session-2"},
                                               {"b", kIntended, "arn:aws:iam::1:user/another"}};
  EXPECT_TRUE(have_initiators(listed));
  EXPECT_EQ(*surely_ours(listed, ours, 1), std::vector<std::string>{"a"});
  EXPECT_EQ(*surely_ours(listed, "arn:aws:iam::1:user/third", 1), std::vector<std::string>{});
  EXPECT_EQ(*surely_ours(listed, "", 1), std::vector<std::string>{}) << "the store hides only our own principal";
}

TEST(MultipartPolicy, NotMoreThanThereWereCreates) {
  const std::vector<ListedMultipart> two = {{"a", kIntended, ""}, {"b", kIntended, ""}};
  EXPECT_FALSE(have_initiators(two));
  EXPECT_EQ(surely_ours(two, std::nullopt, 1).error().code, Errc::s3_unverifiable);
  EXPECT_EQ(surely_ours(two, std::nullopt, 2)->size(), 2U);
}

}  // namespace
}  // namespace vodlift
