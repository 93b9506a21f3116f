// Which requests may go: how many at once, and what stops them.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "base/no_memory_test.h"
#include "base/until_memory.h"
#include "s3/endpoint_state.h"

namespace vodlift::s3 {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

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
  std::vector<BucketTrouble> troubles(const std::vector<ObjectTarget>& targets) const {
    std::vector<std::shared_ptr<const BucketAccess>> buckets;
    for (const ObjectTarget& one : targets) buckets.push_back(std::make_shared<const BucketAccess>(one.access));
    return states_.troubles(buckets).buckets;
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
  const auto trial = states_.begin_trailing_trial(at("http://trial").access);
  ASSERT_TRUE(trial);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(enters_and_leaves(at("http://" + std::to_string(i)), Outcome::answered));
  EXPECT_FALSE(states_.begin_trailing_trial(at("http://trial").access));
}

// One request fits at a time. Whatever a shortage of memory interrupts, the next one goes.
TEST_F(EndpointTrafficTest, WhereMemoryEndsNoPlaceIsLost) {
  EndpointStates states({.max_running = 1});
  const ObjectTarget target = at("http://store");
  int left = 0;
  const auto enter_one = [&] { EXPECT_TRUE(states.enter(target, [this] { ++gone_; })); };
  const auto leave_all = [&] {
    for (; left < gone_; ++left) until_memory([&] { return states.leave(target, Outcome::answered); });
  };
  where_memory_ends(
      [&] {
        for (int i = 0; i < 3; ++i) enter_one();
        leave_all();
      },
      [&] {
        leave_all();
        const int before = gone_;
        enter_one();
        EXPECT_EQ(gone_, before + 1);
        leave_all();
      });
}

TEST_F(EndpointTrafficTest, WhereMemoryEndsAnEndpointIsTriedAgain) {
  const ObjectTarget target = path_style("videos");
  bring_down(target);
  const auto one_tries = [&] {
    now_ += 1h;
    EXPECT_TRUE(enter(target));
    until_memory([&] { return states_.leave(target, Outcome::no_answer); });
  };
  where_memory_ends(one_tries, one_tries);
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
  EXPECT_TRUE(states_.trouble(path_style("videos").access));
  EXPECT_TRUE(enter(path_style("other", "film", 2))) << "the endpoint is not down";
  EXPECT_FALSE(states_.trouble(path_style("other", "film", 2).access));
}

TEST_F(EndpointTrafficTest, WhatIsReadTellsNothingOfABucketThatTakesNoObjects) {
  for (int i = 0; i < 4; ++i) {
    const ObjectTarget object = path_style("videos", i == 0 ? "one" : "two");
    ASSERT_TRUE(enters_and_leaves(object, Outcome::failed));
    if (i < 3) {
      ASSERT_TRUE(enters_and_leaves(object, Outcome::looked));
    }
  }
  EXPECT_FALSE(enter(path_style("videos", "three")));
  now_ += std::chrono::minutes(2);
  ASSERT_TRUE(enters_and_leaves(path_style("videos", "three"), Outcome::looked));
  EXPECT_TRUE(states_.trouble(path_style("videos").access));
  ASSERT_TRUE(enters_and_leaves(path_style("videos", "three"), Outcome::answered));
  EXPECT_FALSE(states_.trouble(path_style("videos").access));
}

TEST_F(EndpointTrafficTest, WhatIsWrongIsKnownOfEachBucketAndSinceWhen) {
  const ObjectTarget denied = path_style("denied", "film", 7);
  const ObjectTarget bad_key = path_style("bad key", "film", 8);
  const ObjectTarget well = path_style("well", "film", 7);
  EXPECT_TRUE(troubles({denied, bad_key, well}).empty());
  ASSERT_TRUE(enter(denied));
  states_.leave(denied, Outcome::denied, Errc::s3_access_denied);
  now_ += 90s;
  ASSERT_TRUE(enter(denied));
  states_.leave(denied, Outcome::denied, Errc::s3_access_denied);
  ASSERT_TRUE(enters_and_leaves(bad_key, Outcome::key_refused));
  ASSERT_TRUE(enters_and_leaves(well, Outcome::answered));
  now_ += 10s;
  const auto found = troubles({denied, bad_key, well});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].cdn, 7);
  EXPECT_EQ(found[0].bucket, "denied");
  EXPECT_EQ(found[0].endpoint, "http://store");
  EXPECT_EQ(found[0].code, Errc::s3_access_denied);
  EXPECT_EQ(found[0].reason, "bucket denied refuses its key: access denied; see `vodlift bucket check`");
  EXPECT_EQ(found[0].lasts, 100s);
  EXPECT_EQ(found[1].bucket, "bad key");
  EXPECT_EQ(found[1].code, Errc::s3_credential);
  EXPECT_EQ(found[1].lasts, 10s);
  EXPECT_EQ(troubles({bad_key}).size(), 1U);
  EXPECT_TRUE(troubles({well}).empty());
  ASSERT_TRUE(enters_and_leaves(denied, Outcome::looked));
  EXPECT_EQ(troubles({denied}).size(), 1U) << "what is read tells nothing of what may be written";
  ASSERT_TRUE(enters_and_leaves(denied, Outcome::answered));
  EXPECT_TRUE(troubles({denied}).empty());
}

TEST_F(EndpointTrafficTest, WhatRefusesABucketIsForgottenWithItsSettingsAndWhereItWorks) {
  ObjectTarget full = path_style("full");
  const auto refuse = [&] {
    ASSERT_TRUE(enter(full));
    states_.leave(full, Outcome::answered, Errc::s3_full);
    ASSERT_EQ(states_.trouble(full.access).value().code, Errc::s3_full);
  };
  refuse();
  full.access.version = 1;
  EXPECT_FALSE(states_.trouble(full.access)) << "nothing is known of the new settings";
  ASSERT_TRUE(enter(full));
  EXPECT_FALSE(states_.trouble(full.access));
  states_.leave(full, Outcome::not_sent);
  refuse();
  states_.note_works(full.access);
  EXPECT_FALSE(states_.trouble(full.access));
}

TEST_F(EndpointTrafficTest, ADownEndpointIsATroubleOfItsBuckets) {
  ASSERT_TRUE(enters_and_leaves(path_style("other", "film", 2), Outcome::answered));
  bring_down(path_style("videos"));
  // Nothing is known of the first of them but where it is.
  const auto found = troubles({path_style("new", "film", 3), path_style("other", "film", 2), path_style("videos")});
  ASSERT_EQ(found.size(), 3U);
  for (const BucketTrouble& one : found) {
    EXPECT_EQ(one.code, Errc::s3_unavailable);
    EXPECT_TRUE(one.whole_endpoint);
  }
}

TEST_F(EndpointTrafficTest, WhatIsReadTellsThatABucketAnswersAgain) {
  bring_down(at("http://store"));
  now_ += std::chrono::minutes(2);
  ASSERT_TRUE(enters_and_leaves(at("http://store"), Outcome::looked));
  EXPECT_FALSE(states_.trouble(at("http://store").access));
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
  EXPECT_TRUE(states_.trouble(path_style("videos").access));
  EXPECT_TRUE(enter(path_style("other"))) << "the key of another bucket";
  EXPECT_TRUE(enter(path_style("videos", "film", 2))) << "another account's key for the same bucket";
  now_ += limits_.key.first_pause;
  ASSERT_TRUE(enters_and_leaves(path_style("videos"), Outcome::denied)) << "a HEAD with 403 does not tell";
  EXPECT_FALSE(enters_and_leaves(path_style("videos"), Outcome::key_refused) &&
               enters_and_leaves(path_style("videos"), Outcome::key_refused));
  now_ += limits_.key.longest_pause;
  ASSERT_TRUE(enters_and_leaves(path_style("videos"), Outcome::answered));
  EXPECT_FALSE(states_.refusal(path_style("videos", "other film")));
  EXPECT_FALSE(states_.trouble(path_style("videos").access));
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

}  // namespace
}  // namespace vodlift::s3
