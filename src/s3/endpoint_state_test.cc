#include "s3/endpoint_state.h"

#include <gtest/gtest.h>

#include <vector>

namespace vodlift::s3 {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

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
  EXPECT_TRUE(states.begin_trailing_trial(store));
  EXPECT_FALSE(states.begin_trailing_trial(store)) << "another trial is running";
  EXPECT_TRUE(states.begin_trailing_trial(access_to("http://other")));
  states.end_trailing_trial(store, std::nullopt);
  EXPECT_FALSE(states.facts(store).trailing);
  EXPECT_TRUE(states.begin_trailing_trial(store));
  states.end_trailing_trial(store, true);
  EXPECT_EQ(states.facts(store).trailing, true);
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

class EndpointTrafficTest : public testing::Test {
 protected:
  static ObjectTarget at(std::string endpoint, std::string bucket = "videos", std::string key = "film",
                         AccountId cdn = 1) {
    ObjectTarget target;
    target.access.cdn = cdn;
    target.access.endpoint = std::move(endpoint);
    target.access.bucket = std::move(bucket);
    target.key = std::move(key);
    return target;
  }
  static ObjectTarget path_style(std::string bucket, std::string key = "film", AccountId cdn = 1) {
    ObjectTarget target = at("http://store", std::move(bucket), std::move(key), cdn);
    target.access.path_style = true;
    return target;
  }
  // Asks to enter; counts the requests that went.
  Result<> enter(const ObjectTarget& target) {
    return states_.enter(target, [this] { ++gone_; });
  }
  bool enters_and_leaves(const ObjectTarget& target, Outcome outcome) {
    if (!enter(target)) return false;
    states_.leave(target, outcome);
    return true;
  }
  void bring_down(const ObjectTarget& target) {
    for (int i = 0; i < limits_.down.failures; ++i) ASSERT_TRUE(enters_and_leaves(target, Outcome::no_answer));
  }

  EndpointLimits limits_{
      .max_running = 8, .down = {.failures = 4}, .key = {.failures = 2}, .max_retry_tokens = 4, .max_entries = 4};
  SteadyTime now_{};
  EndpointStates states_{limits_, [this] { return now_; }};
  int gone_ = 0;
};

TEST_F(EndpointTrafficTest, ABusyBucketIsNotForgotten) {
  const ObjectTarget busy = at("http://busy");
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(enter(busy));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(enters_and_leaves(at("http://" + std::to_string(i)), Outcome::answered));
  gone_ = 0;
  ASSERT_TRUE(enter(busy));
  EXPECT_EQ(gone_, 0) << "eight run still";
  states_.leave(busy, Outcome::answered);
  EXPECT_EQ(gone_, 1);
}

TEST_F(EndpointTrafficTest, ARunningTrialIsNotForgotten) {
  ASSERT_TRUE(states_.begin_trailing_trial(at("http://trial").access));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(enters_and_leaves(at("http://" + std::to_string(i)), Outcome::answered));
  EXPECT_FALSE(states_.begin_trailing_trial(at("http://trial").access));
}

TEST(OutcomeOf, SeparatesFaultsOfTheStoreFromOthers) {
  EXPECT_EQ(outcome_of(std::nullopt), Outcome::answered);
  EXPECT_EQ(outcome_of(Errc::s3_access_denied), Outcome::denied);
  EXPECT_EQ(outcome_of(Errc::s3_credential), Outcome::key_refused);
  EXPECT_EQ(outcome_of(Errc::s3_too_large), Outcome::answered);
  EXPECT_EQ(outcome_of(Errc::s3_full), Outcome::answered);
  EXPECT_EQ(outcome_of(Errc::interrupted), Outcome::not_sent);
  EXPECT_EQ(outcome_of(Errc::source_unreadable), Outcome::not_sent);
  EXPECT_EQ(outcome_of(Errc::s3_throttled), Outcome::throttled);
  EXPECT_EQ(outcome_of(Errc::s3_transient), Outcome::failed);
  EXPECT_EQ(outcome_of(Errc::timeout), Outcome::no_answer);
}

TEST_F(EndpointTrafficTest, RequestsWithoutRoomWaitInTheirOrder) {
  const ObjectTarget bucket = at("http://a");
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(enter(bucket));
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(states_.enter(bucket, [&order, i] { order.push_back(i); }));
  EXPECT_EQ(gone_, 8);
  EXPECT_TRUE(order.empty());
  ASSERT_TRUE(enter(at("http://a", "other"))) << "each bucket has its own room";
  EXPECT_EQ(gone_, 9);
  for (int i = 0; i < 3; ++i) states_.leave(bucket, Outcome::answered);
  EXPECT_EQ(order, (std::vector{0, 1, 2}));
}

TEST_F(EndpointTrafficTest, SlowDownHalvesOnceAndSuccessesRaiseAgain) {
  const ObjectTarget bucket = at("http://a");
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(enter(bucket));
  EXPECT_EQ(gone_, 8);
  for (int i = 0; i < 4; ++i) states_.leave(bucket, Outcome::throttled);
  EXPECT_EQ(gone_, 8) << "four run, and four is the limit now: several reports at once count once";
  states_.leave(bucket, Outcome::answered);
  EXPECT_EQ(gone_, 9);
  now_ += milliseconds(1001);
  states_.leave(bucket, Outcome::throttled);
  EXPECT_EQ(gone_, 9) << "the limit is two now";
  for (int i = 0; i < 3; ++i) states_.leave(bucket, Outcome::answered);
  EXPECT_GE(gone_, 11);
}

TEST_F(EndpointTrafficTest, OneRequestAlwaysGoes) {
  const ObjectTarget bucket = at("http://a");
  for (int i = 0; i < 20; ++i) {
    now_ += milliseconds(1001);
    ASSERT_TRUE(enters_and_leaves(bucket, Outcome::throttled));
  }
  EXPECT_EQ(gone_, 20);
}

TEST_F(EndpointTrafficTest, ADeadEndpointIsTriedNowAndThen) {
  const ObjectTarget bucket = at("http://dead");
  bring_down(bucket);
  const auto refused = enter(bucket);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::s3_unavailable);
  EXPECT_NE(refused.error().message.find("http://dead"), std::string::npos);
  EXPECT_TRUE(enter(at("http://alive"))) << "others go on";

  now_ += limits_.down.first_pause;
  ASSERT_TRUE(enter(bucket)) << "one tries";
  EXPECT_FALSE(enter(bucket)) << "one only";
  EXPECT_FALSE(states_.leave(bucket, Outcome::no_answer));
  now_ += limits_.down.first_pause;
  EXPECT_FALSE(enter(bucket)) << "the pause is longer now";
  now_ += limits_.down.first_pause;
  ASSERT_TRUE(enter(bucket));
  states_.leave(bucket, Outcome::answered);
  EXPECT_TRUE(enters_and_leaves(bucket, Outcome::answered));
}

TEST_F(EndpointTrafficTest, ARequestThatWasNotSentSaysNothingOfTheStore) {
  const ObjectTarget bucket = at("http://dead");
  for (int i = 0; i < 3 * limits_.down.failures; ++i) ASSERT_TRUE(enters_and_leaves(bucket, Outcome::not_sent));
  bring_down(bucket);
  now_ += limits_.down.first_pause;
  ASSERT_TRUE(enters_and_leaves(bucket, Outcome::not_sent));
  ASSERT_TRUE(enter(bucket)) << "so that another one tries";
  EXPECT_FALSE(enter(bucket)) << "and it is still down";
  EXPECT_FALSE(states_.leave(bucket, Outcome::no_answer));
}

TEST_F(EndpointTrafficTest, ThePauseIsBounded) {
  const ObjectTarget bucket = at("http://dead");
  bring_down(bucket);
  for (int i = 0; i < 20; ++i) {
    now_ += limits_.down.longest_pause;
    ASSERT_TRUE(enters_and_leaves(bucket, Outcome::no_answer)) << i;
  }
}

TEST_F(EndpointTrafficTest, ASuccessBetweenFailuresCounts) {
  const ObjectTarget bucket = at("http://a");
  for (int i = 0; i < 3 * limits_.down.failures; ++i) {
    ASSERT_TRUE(enters_and_leaves(bucket, i % 2 == 0 ? Outcome::no_answer : Outcome::answered));
  }
}

TEST_F(EndpointTrafficTest, RetriesAreEarned) {
  const ObjectTarget bucket = at("http://a");
  const auto fails = [&] {
    EXPECT_TRUE(enter(bucket));
    return states_.leave(bucket, Outcome::throttled);
  };
  EXPECT_TRUE(fails());
  EXPECT_TRUE(fails());
  EXPECT_TRUE(fails());
  EXPECT_FALSE(fails()) << "four were granted";
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(enters_and_leaves(bucket, Outcome::answered));
  EXPECT_TRUE(fails()) << "one was earned";
  EXPECT_FALSE(fails());
}

TEST_F(EndpointTrafficTest, MemoryIsBounded) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(enters_and_leaves(at("http://" + std::to_string(i)), Outcome::failed));
  bring_down(at("http://dead"));
  EXPECT_FALSE(enter(at("http://dead")));
}

TEST_F(EndpointTrafficTest, OpenAllLetsAllGo) {
  const ObjectTarget bucket = at("http://a");
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(enter(bucket));
  bring_down(at("http://dead"));
  states_.open_all();
  EXPECT_EQ(gone_, 20 + limits_.down.failures);
  EXPECT_TRUE(enter(at("http://dead"))) << "it fails by itself, the client being stopped";
}

TEST_F(EndpointTrafficTest, APoisonObjectClosesNothing) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(enters_and_leaves(path_style("videos", "poison"), Outcome::failed)) << i;
  EXPECT_TRUE(enter(path_style("videos", "good")));
  EXPECT_TRUE(enter(path_style("other", "good", 2)));
}

TEST_F(EndpointTrafficTest, ErrorsForDifferentObjectsCloseTheirBucketOnly) {
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(enters_and_leaves(path_style("videos", i == 0 ? "one" : "two"), Outcome::failed));
  }
  const auto refused = enter(path_style("videos", "three"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::s3_unavailable);
  EXPECT_NE(refused.error().message.find("bucket videos"), std::string::npos) << refused.error().message;
  EXPECT_NE(states_.trouble(path_style("videos").access), "");
  EXPECT_TRUE(enter(path_style("other", "film", 2))) << "the endpoint is not down";
  EXPECT_EQ(states_.trouble(path_style("other", "film", 2).access), "");
}

TEST_F(EndpointTrafficTest, ErrorsForDifferentBucketsCloseTheEndpoint) {
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(enters_and_leaves(path_style(i % 2 == 0 ? "a" : "b"), Outcome::failed));
  }
  EXPECT_FALSE(enter(path_style("c")));
  EXPECT_TRUE(enter(at("http://elsewhere")));
}

TEST_F(EndpointTrafficTest, ABucketsOwnHostThatDoesNotAnswerIsTheBucketsAlone) {
  bring_down(at("http://store", "gone"));
  EXPECT_FALSE(enter(at("http://store", "gone")));
  EXPECT_TRUE(enter(at("http://store", "there")));
  EXPECT_TRUE(enter(path_style("videos")));
}

TEST_F(EndpointTrafficTest, AHostThatAllBucketsShareIsTheEndpoints) {
  bring_down(path_style("videos"));
  EXPECT_FALSE(enter(path_style("other", "film", 2)));
}

TEST_F(EndpointTrafficTest, AccountsTakeTurnsInTryingAnEndpoint) {
  bring_down(path_style("videos", "film", 1));
  now_ += limits_.down.first_pause;
  ASSERT_TRUE(enter(path_style("videos", "film", 1))) << "the first to come tries first";
  EXPECT_FALSE(enter(path_style("videos", "film", 2)));
  states_.leave(path_style("videos", "film", 1), Outcome::no_answer);
  EXPECT_FALSE(enter(path_style("videos", "film", 2))) << "paused again";
  now_ += 2 * limits_.down.first_pause;
  EXPECT_FALSE(enter(path_style("videos", "more", 1))) << "it tried before, and another waits";
  ASSERT_TRUE(enter(path_style("videos", "film", 2)));
  states_.leave(path_style("videos", "film", 2), Outcome::answered);
  EXPECT_TRUE(enter(path_style("videos", "film", 1)));
}

TEST_F(EndpointTrafficTest, AnObjectThatTriedInVainLetsOthersTry) {
  for (const char* key : {"poison", "poison", "poison too", "poison"}) {
    ASSERT_TRUE(enters_and_leaves(path_style("videos", key), Outcome::failed));
  }
  now_ += limits_.down.first_pause;
  ASSERT_TRUE(enters_and_leaves(path_style("videos", "poison"), Outcome::failed));
  EXPECT_FALSE(enter(path_style("videos", "good")));
  now_ += 2 * limits_.down.first_pause;
  EXPECT_FALSE(enter(path_style("videos", "poison")));
  ASSERT_TRUE(enters_and_leaves(path_style("videos", "good"), Outcome::answered));
  EXPECT_TRUE(enter(path_style("videos", "poison")));
}

TEST_F(EndpointTrafficTest, ThoseWhoWaitedAndAreGoneAreNotWaitedForLong) {
  bring_down(path_style("videos"));
  now_ += limits_.down.first_pause;
  ASSERT_TRUE(enters_and_leaves(path_style("videos", "film", 1), Outcome::no_answer));
  EXPECT_FALSE(enter(path_style("videos", "film", 2))) << "waits, and is cancelled then";
  now_ += 4 * limits_.down.first_pause;
  EXPECT_TRUE(enter(path_style("videos", "film", 1)));
}

TEST_F(EndpointTrafficTest, ARefusedKeyHoldsItsBucketUntilItIsGood) {
  ASSERT_TRUE(enters_and_leaves(path_style("videos"), Outcome::key_refused));
  const auto refused = states_.refusal(path_style("videos", "other film"));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->error.code, Errc::s3_credential);
  EXPECT_GT(refused->again_in, 3s);
  EXPECT_NE(states_.trouble(path_style("videos").access), "");
  EXPECT_TRUE(enter(path_style("other"))) << "the key of another bucket";
  EXPECT_TRUE(enter(path_style("videos", "film", 2))) << "another account's key for the same bucket";
  now_ += limits_.key.first_pause;
  ASSERT_TRUE(enters_and_leaves(path_style("videos"), Outcome::denied)) << "a HEAD with 403 does not tell";
  EXPECT_FALSE(enters_and_leaves(path_style("videos"), Outcome::key_refused) &&
               enters_and_leaves(path_style("videos"), Outcome::key_refused));
  now_ += limits_.key.longest_pause;
  ASSERT_TRUE(enters_and_leaves(path_style("videos"), Outcome::answered));
  EXPECT_FALSE(states_.refusal(path_style("videos", "other film")));
  EXPECT_EQ(states_.trouble(path_style("videos").access), "");
}

TEST_F(EndpointTrafficTest, NewSettingsEndWhatIsKnownAgainstABucket) {
  ASSERT_TRUE(enters_and_leaves(path_style("videos"), Outcome::key_refused));
  EXPECT_FALSE(enter(path_style("videos")));
  ObjectTarget changed = path_style("videos");
  changed.access.version = 7;
  EXPECT_TRUE(enter(changed));
  states_.leave(path_style("videos"), Outcome::key_refused);
  EXPECT_TRUE(enter(changed)) << "that request was signed with the old key";
}

// A proxy that drops a header makes every request for that object fail: its key is good.
TEST_F(EndpointTrafficTest, OneObjectsWrongSignatureHoldsNoOther) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(enters_and_leaves(path_style("videos", "a"), Outcome::signature_refused));
  EXPECT_TRUE(enters_and_leaves(path_style("videos", "b"), Outcome::answered));
  ASSERT_TRUE(enters_and_leaves(path_style("videos", "a"), Outcome::signature_refused));
  ASSERT_TRUE(enters_and_leaves(path_style("videos", "b"), Outcome::signature_refused)) << "two of two";
  EXPECT_FALSE(enter(path_style("videos", "c")));
}

TEST_F(EndpointTrafficTest, CredentialsThatCannotBeHadHoldTheirBucketOnly) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(enters_and_leaves(path_style("without"), Outcome::no_credentials)) << i;
    now_ += limits_.key.longest_pause;
  }
  EXPECT_TRUE(enter(path_style("videos")));
}

TEST_F(EndpointTrafficTest, ALongQueueDoesNotComeBackAtOneMoment) {
  bring_down(path_style("videos"));
  const auto first = states_.refusal(path_style("videos"));
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(states_.refusal(path_style("videos", std::to_string(i))));
  const auto last = states_.refusal(path_style("videos"));
  ASSERT_TRUE(first && last);
  EXPECT_GE(last->again_in - first->again_in, 10s);
  for (int i = 0; i < 200'000; ++i) (void)states_.refusal(path_style("videos"));
  EXPECT_LE(states_.refusal(path_style("videos"))->again_in, 16min);
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
