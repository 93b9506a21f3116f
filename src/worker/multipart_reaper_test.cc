#include "worker/multipart_reaper.h"

#include <gtest/gtest.h>

#include "worker/fakes_test.h"

namespace vodlift::worker {
namespace {

using namespace std::chrono_literals;

class MultipartReaperTest : public testing::Test {
 protected:
  MultipartReaperTest() {
    accounts_.change([](BucketAccess& bucket) {
      bucket.endpoint = "https://s3.example";
      bucket.access_key = "AK";
    });
  }

  static MultipartPlace place(const std::string& bucket = "b") { return {"https://s3.example", bucket, "film.mp4"}; }

  // An upload that runs and has a multipart upload open, or, without an id, a Create under way.
  Lease opening(const std::string& multipart_id = "", const std::string& bucket = "b") {
    const Lease lease = stores_.claim(stores_.insert()).lease;
    EXPECT_TRUE(stores_.node.journal.intend(lease, place(bucket)));
    OpenMultipart open;
    open.multipart_id = multipart_id;
    open.endpoint = place().endpoint;
    open.part_size = 5'000'000;
    if (multipart_id.empty()) return lease;
    EXPECT_TRUE(stores_.node.journal.record_multipart(lease, open));
    return lease;
  }
  void fail(const Lease& lease) {
    UploadEnding ending;
    ending.state = UploadState::failed;
    ending.error = UploadError{Errc::s3_access_denied, "403", false};
    EXPECT_TRUE(stores_.finish(lease, ending));
  }
  // The same, and the upload fails now: it abandons what it has opened.
  void left(const std::string& multipart_id = "", const std::string& bucket = "b") {
    fail(opening(multipart_id, bucket));
  }
  void is_open(const std::string& id, std::chrono::milliseconds after, const std::string& initiator = "") {
    objects_.open.insert(id);
    objects_.listed[id] = {id, begun_ + after, initiator};
  }
  void round_after(std::chrono::milliseconds passes) {
    stores_.clock.pass(passes);
    reaper_.round();
  }

  Stores stores_;
  const WallTime begun_ = stores_.clock.now();
  OneBucket accounts_;
  MemoryObjects objects_;
  MultipartReaper reaper_{stores_.ledger, accounts_.directory, objects_, {1min, 10min, std::chrono::days{14}}};
};

TEST_F(MultipartReaperTest, AbortsWhatIsLeftAndOnlyThat) {
  objects_.open = {"ours", "other"};
  left("ours");
  round_after(0s);
  EXPECT_EQ(objects_.open, std::set<std::string>{"other"});
  EXPECT_TRUE(stores_.abandoned().empty());
}

TEST_F(MultipartReaperTest, TriesAgainUntilItIsGone) {
  objects_.open = {"ours"};
  objects_.script["abort"] = std::deque<Errc>(10, Errc::s3_transient);
  left("ours");
  int rounds = 0;
  for (; !stores_.abandoned().empty() && rounds < 1000; ++rounds) round_after(1min);
  EXPECT_TRUE(objects_.open.empty());
  EXPECT_EQ(objects_.count("abort"), 11);
  EXPECT_GT(rounds, 700) << "it waits longer each time: 1 minute, 2, 4, up to 6 hours";
}

TEST_F(MultipartReaperTest, ABucketThatCannotBeWorkedOnIsLeftForLaterAsAWhole) {
  for (const char* id : {"one", "two", "three"}) left(id);
  accounts_.add("healthy");
  left("elsewhere", "healthy");
  objects_.open = {"one", "two", "three", "elsewhere"};
  objects_.script["abort"] = {Errc::s3_access_denied};
  round_after(0s);
  EXPECT_EQ(objects_.count("abort"), 2) << "one of the bucket, and the other bucket's";
  EXPECT_FALSE(objects_.open.contains("elsewhere"));
  EXPECT_EQ(stores_.abandoned().size(), 3U);
  for (const AbandonedMultipart& entry : stores_.abandoned()) EXPECT_EQ(entry.next_attempt, stores_.clock.now() + 1min);
  EXPECT_EQ(stores_.abandoned()[0].attempts, 1);
  EXPECT_EQ(stores_.abandoned()[1].attempts, 0);
  round_after(1min);
  EXPECT_TRUE(stores_.abandoned().empty());
}

TEST_F(MultipartReaperTest, AHundredOfABucketARound) {
  for (int i = 0; i < 150; ++i) left("mp" + std::to_string(i));
  round_after(0s);
  EXPECT_EQ(stores_.abandoned().size(), 50U);
  round_after(0s);
  EXPECT_TRUE(stores_.abandoned().empty());
}

TEST_F(MultipartReaperTest, WithoutTheBucketItIsKeptAndGivenUpInTheEnd) {
  left("ours", "not-configured");
  round_after(0s);
  ASSERT_EQ(stores_.abandoned().size(), 1U);
  EXPECT_NE(stores_.abandoned()[0].error.find("not configured"), std::string::npos) << stores_.abandoned()[0].error;
  round_after(std::chrono::days{14} - 1s);
  EXPECT_EQ(stores_.abandoned().size(), 1U);
  round_after(6h);
  EXPECT_TRUE(stores_.abandoned().empty());
  EXPECT_TRUE(objects_.calls.empty());
}

TEST_F(MultipartReaperTest, CredentialsGoToNoOtherEndpoint) {
  accounts_.change([](BucketAccess& bucket) { bucket.endpoint = "https://another.example"; });
  left("ours");
  left("");
  round_after(1h);
  EXPECT_EQ(stores_.abandoned().size(), 2U);
  EXPECT_TRUE(objects_.calls.empty());
}

TEST_F(MultipartReaperTest, WhatALostAnswerOpenedIsFoundAfterTheGrace) {
  left();
  is_open("lost", 1s);
  round_after(9min);
  EXPECT_TRUE(objects_.calls.empty()) << "if it is another program's, its parts may still come";
  EXPECT_EQ(stores_.abandoned().at(0).attempts, 0);
  round_after(1min);
  round_after(0s);
  EXPECT_TRUE(objects_.open.empty());
  EXPECT_TRUE(stores_.abandoned().empty());
}

TEST_F(MultipartReaperTest, NothingToBeFoundSettlesIt) {
  left();
  round_after(10min);
  EXPECT_TRUE(stores_.abandoned().empty());
  EXPECT_EQ(objects_.calls, std::vector<std::string>{"uploads"});
}

TEST_F(MultipartReaperTest, AnothersIsLeftAlone) {
  left();
  is_open("before", -10s);
  is_open("long after", 6min);
  is_open("with a part", 1s);
  objects_.with_parts.insert("with a part");
  objects_.parts[1] = {1, 5, "\"e\"", ""};
  is_open("in use", 1s);
  opening("in use");
  const auto open = objects_.open;
  round_after(10min);
  EXPECT_TRUE(stores_.abandoned().empty());
  EXPECT_EQ(objects_.open, open);
  EXPECT_EQ(objects_.count("abort"), 0);
}

TEST_F(MultipartReaperTest, OfTwoThatCouldBeItNoneIsAborted) {
  left();
  is_open("a", 1s);
  is_open("b", 2s);
  round_after(10min);
  ASSERT_EQ(stores_.abandoned().size(), 1U);
  EXPECT_EQ(stores_.abandoned()[0].attempts, 1);
  EXPECT_EQ(objects_.open.size(), 2U);
  // The stranger sends a part, which tells.
  objects_.with_parts.insert("b");
  objects_.parts[1] = {1, 5, "\"e\"", ""};
  round_after(1min);
  round_after(0s);
  EXPECT_EQ(objects_.open, std::set<std::string>{"b"});
}

TEST_F(MultipartReaperTest, TwoLostAnswersMayHaveOpenedTwo) {
  for (const bool fails : {false, true}) {
    const Lease lease = opening();
    EXPECT_TRUE(stores_.node.journal.intend(lease, place()));
    fails ? fail(lease) : stores_.node.journal.abandon(lease).value();
    const std::chrono::milliseconds passed = stores_.clock.now() - begun_;
    is_open("a", passed + 1s);
    is_open("b", passed + 2s);
    round_after(10min);
    round_after(0s);
    EXPECT_TRUE(objects_.open.empty()) << fails;
  }
}

TEST_F(MultipartReaperTest, OnlyOurOwnPrincipalsIsAborted) {
  left();
  is_open("ours", 1s, "arn:aws:sts::1:assumed-role/vodlift/session-1");
  is_open("foreign", 1s, "arn:aws:iam::1:user/another");
  objects_.on_create = [&](const std::string& id) {
    objects_.listed[id] = {id, stores_.clock.now(), "arn:aws:sts::1:assumed-role/vodlift/session-2"};
  };
  round_after(10min);
  round_after(0s);
  EXPECT_EQ(objects_.open, std::set<std::string>{"foreign"}) << "nothing remains of finding out who we are";
  EXPECT_TRUE(stores_.abandoned().empty());
  EXPECT_EQ(objects_.created, 1);
}

TEST_F(MultipartReaperTest, WhatAProbeOpensIsInTheLedger) {
  left();
  is_open("ours", 1s, "us");
  objects_.on_create = [&](const std::string& id) { objects_.listed[id] = {id, stores_.clock.now(), "us"}; };
  objects_.script["create answer"] = {Errc::timeout};
  round_after(10min);
  EXPECT_EQ(stores_.abandoned().size(), 2U);
  EXPECT_EQ(stores_.abandoned().back().multipart_id, "") << "one more to be looked for";
  EXPECT_EQ(objects_.open.size(), 2U);

  objects_.script["create"] = {Errc::s3_access_denied};
  round_after(1min);
  EXPECT_EQ(stores_.abandoned().size(), 2U) << "a probe that was refused opened nothing";
}

TEST_F(MultipartReaperTest, AProbeThatCannotBeAbortedIsNotForgotten) {
  left();
  is_open("ours", 1s, "us");
  objects_.on_create = [&](const std::string& id) { objects_.listed[id] = {id, stores_.clock.now(), "us"}; };
  objects_.script["abort"] = {Errc::s3_transient};
  round_after(10min);
  round_after(0s);
  EXPECT_TRUE(objects_.open.empty());
  EXPECT_TRUE(stores_.abandoned().empty());
}

TEST_F(MultipartReaperTest, TheStoresOwnClockCounts) {
  objects_.store_ahead = 1h;
  left();
  is_open("ours", 1h + 1s);
  is_open("foreign", 1s);
  round_after(10min);
  round_after(0s);
  EXPECT_EQ(objects_.open, std::set<std::string>{"foreign"});
}

TEST_F(MultipartReaperTest, WhileACreateIsUnderWayNothingIsJudged) {
  left();
  is_open("just opened", 1s);
  const Lease other = opening();
  round_after(10min);
  EXPECT_TRUE(stores_.node.journal.withdraw(other));
  // The Create begins between the look at the ledger and the adoption.
  objects_.on_list_parts = [&] { EXPECT_TRUE(stores_.node.journal.intend(other, place())); };
  round_after(10min);
  ASSERT_EQ(stores_.abandoned().size(), 1U);
  EXPECT_EQ(stores_.abandoned()[0].attempts, 0);
  EXPECT_EQ(objects_.count("abort"), 0);
}

TEST_F(MultipartReaperTest, AStoreWithoutTimesIsNotGuessedAt) {
  left();
  objects_.open.insert("no time");
  objects_.listed["no time"] = {"no time", std::nullopt, ""};
  round_after(10min);
  EXPECT_EQ(stores_.abandoned().at(0).attempts, 1);
  EXPECT_EQ(objects_.open.size(), 1U);
}

TEST_F(MultipartReaperTest, AnInterruptionIsNoAttempt) {
  left("ours");
  objects_.script["abort"] = {Errc::interrupted};
  round_after(0s);
  EXPECT_EQ(stores_.abandoned().at(0).attempts, 0);
}

}  // namespace
}  // namespace vodlift::worker
