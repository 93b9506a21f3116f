#include "worker/part_sender.h"

#include <gtest/gtest.h>

#include "worker/fakes_test.h"

namespace vodlift::worker {
namespace {

class PartSenderTest : public ::testing::Test {
 protected:
  PartSenderTest() {
    job_.multipart = *objects_.create_multipart({}, {});
    job_.source = std::make_shared<MemorySource>(std::string(5 * kMinPartBytes + 10, 'x'));
    job_.plan = *plan_with_part_size(job_.source->identity().size, kMinPartBytes);
    job_.parallel = 2;
  }

  Result<> send(std::vector<int> numbers) {
    PartSender sender(objects_, job_, control_, [this](const Part& part) -> Result<> {
      confirmed_.push_back(part);
      return confirm_;
    });
    return sender.send(numbers);
  }

  MemoryObjects objects_;
  PartSender::Job job_;
  RunControl control_;
  std::vector<Part> confirmed_;
  Result<> confirm_;
};

TEST_F(PartSenderTest, SendsEachPartOnceWithItsOwnSize) {
  ASSERT_TRUE(send({1, 2, 3, 4, 5, 6}));
  ASSERT_EQ(confirmed_.size(), 6U);
  EXPECT_EQ(objects_.parts.at(1).size, kMinPartBytes);
  EXPECT_EQ(objects_.parts.at(6).size, 10);
  EXPECT_EQ(objects_.count("part"), 6);
}

TEST_F(PartSenderTest, SendsOnlyWhatItIsTold) {
  ASSERT_TRUE(send({2, 5}));
  EXPECT_EQ(objects_.count("part"), 2);
  ASSERT_TRUE(send({}));
  EXPECT_EQ(objects_.count("part"), 2);
}

TEST_F(PartSenderTest, GivesUpAfterItsTries) {
  objects_.script["part"] = std::deque<Errc>(kMaxRequestTries, Errc::s3_transient);
  const auto result = send({1});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::s3_transient);
  EXPECT_EQ(objects_.count("part"), kMaxRequestTries);
}

TEST_F(PartSenderTest, AJournalThatFailsEndsTheSending) {
  confirm_ = Error{Errc::store_failed, "disk full"};
  const auto result = send({1, 2, 3, 4, 5, 6});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::store_failed);
  EXPECT_LT(objects_.count("part"), 6);
}

TEST_F(PartSenderTest, PartsThatWaitForTheirAnswerMakeRoom) {
  std::vector<std::pair<int, ObjectStore::PartDone>> held;
  objects_.hold_part = [&](int number, const Body& body, ObjectStore::PartDone done) {
    held.emplace_back(number, std::move(done));
    body.sent();
    if (held.size() < 6) return;
    for (auto& [part, answer] : held) answer(StoredBytes{"\"e\"", "", ""});
  };
  ASSERT_TRUE(send({1, 2, 3, 4, 5, 6})) << "six at once, though two may send";
  EXPECT_EQ(confirmed_.size(), 6U);
}

TEST_F(PartSenderTest, NoMoreThanFourTimesAsManyAsMaySend) {
  job_.parallel = 1;
  std::deque<ObjectStore::PartDone> held;
  std::size_t most = 0;
  objects_.hold_part = [&](int number, const Body& body, ObjectStore::PartDone done) {
    held.push_back(std::move(done));
    most = std::max(most, held.size());
    body.sent();
    const bool full = held.size() == kInFlightForEachSending || number >= 5;
    while (full && !held.empty()) {
      held.front()(StoredBytes{"\"e\"", "", ""});
      held.pop_front();
    }
  };
  ASSERT_TRUE(send({1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(most, 4U);
}

TEST_F(PartSenderTest, PartsThatAreBeingSentMakeNone) {
  std::deque<ObjectStore::PartDone> held;
  std::size_t most = 0;
  objects_.hold_part = [&](int number, const Body&, ObjectStore::PartDone done) {
    held.push_back(std::move(done));
    most = std::max(most, held.size());
    while (held.size() >= 2 || (number == 6 && !held.empty())) {
      held.front()(StoredBytes{"\"e\"", "", ""});
      held.pop_front();
    }
  };
  ASSERT_TRUE(send({1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(most, 2U);
}

TEST_F(PartSenderTest, UnderALimitNoMoreThanCanHaveAMegabyteASecondEach) {
  job_.parallel = 4;
  for (const auto& [limit, most] : {std::pair(100'000, 1U), std::pair(2'000'000, 2U), std::pair(900'000'000, 4U)}) {
    objects_.limit = limit;
    std::vector<ObjectStore::PartDone> sending;
    std::size_t at_once = 0;
    objects_.hold_part = [&, most = most](int number, const Body&, ObjectStore::PartDone done) {
      sending.push_back(std::move(done));
      at_once = std::max(at_once, sending.size());
      if (sending.size() < most && number < 6) return;
      for (const auto& one : std::exchange(sending, {})) one(StoredBytes{"\"e\"", "", ""});
    };
    EXPECT_TRUE(send({1, 2, 3, 4, 5, 6})) << limit;
    EXPECT_EQ(at_once, most) << limit;
  }
}

TEST_F(PartSenderTest, WithoutAChecksumPassWhereTheStoreSumsUp) {
  objects_.trailing = true;
  ASSERT_TRUE(send({1, 2, 6}));
  EXPECT_EQ(objects_.count("part without checksum"), 3);
  ASSERT_EQ(confirmed_.size(), 3U);
  for (const Part& part : confirmed_) EXPECT_EQ(part.crc32c, objects_.crcs.at(part.number));
  EXPECT_NE(confirmed_.front().crc32c, 0U);
}

TEST_F(PartSenderTest, AnMd5IsNeededBeforehand) {
  objects_.trailing = true;
  job_.multipart.mode = ChecksumMode::md5;
  ASSERT_TRUE(send({1}));
  EXPECT_EQ(objects_.count("part without checksum"), 0);
  EXPECT_EQ(confirmed_.front().md5.size(), 16U);
}

TEST_F(PartSenderTest, WhatTheStoreTakesNoLongerIsHashedAndSentAgain) {
  objects_.trailing = true;
  objects_.script["part"] = {Errc::s3_transient, Errc::s3_transient};
  objects_.on_part = [this] { objects_.trailing = false; };
  ASSERT_TRUE(send({1, 2, 3}));
  EXPECT_EQ(objects_.count("part without checksum"), 1);
  EXPECT_EQ(confirmed_.size(), 3U);
  for (const Part& part : confirmed_) EXPECT_EQ(part.crc32c, objects_.crcs.at(part.number));
}

TEST_F(PartSenderTest, AnEndedRunSendsNothingMore) {
  control_.end({Errc::interrupted, "stop"});
  EXPECT_EQ(send({1}).error().code, Errc::interrupted);
  EXPECT_EQ(objects_.count("part"), 0);
}

}  // namespace
}  // namespace vodlift::worker
