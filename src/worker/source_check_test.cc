#include "worker/source_check.h"

#include <gtest/gtest.h>

#include <map>

#include "base/hash.h"
#include "core/part_plan.h"
#include "worker/upload_run_test.h"

namespace vodlift::worker {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kNow = from_unix_ms(1'700'000'000'000);

SourceIdentity modified(std::chrono::milliseconds ago) {
  SourceIdentity source;
  source.modified_ns = to_unix_ms(kNow - ago) * 1'000'000;
  return source;
}

TEST(SourceReadiness, ASourceIsReadyOnceItHasBeenQuiet) {
  const SourceReadiness readiness{5s, 1h};
  EXPECT_EQ(quiet_at(modified(6s), readiness, kNow), std::nullopt);
  EXPECT_EQ(quiet_at(modified(2s), readiness, kNow), kNow + 3s + 1ms);
  EXPECT_EQ(quiet_at(modified(0s), readiness, kNow), kNow + 5s + 1ms);
}

TEST(SourceReadiness, WithoutAQuietTimeNothingIsWaitedFor) {
  EXPECT_EQ(quiet_at(modified(0s), SourceReadiness{}, kNow), std::nullopt);
}

TEST(SourceReadiness, ClocksThatDifferALittleAreWaitedForAndTimesFarAheadAreNot) {
  const SourceReadiness readiness{5s, 1h};
  EXPECT_EQ(quiet_at(modified(-2s), readiness, kNow), kNow + 7s + 1ms);
  EXPECT_EQ(quiet_at(modified(-6s), readiness, kNow), std::nullopt);
}

class SourceReadinessRun : public UploadRunTest {
 protected:
  SourceReadinessRun() {
    storages_.bytes = "hello";
    readiness_ = {5s, 1h};
  }
  // The source is written to, for the last time so long ago.
  void write(std::chrono::milliseconds ago) {
    storages_.modified_ns = to_unix_ms(stores_.clock.now() - ago) * 1'000'000;
  }
};

TEST_F(SourceReadinessRun, ASourceThatIsBeingWrittenIsWaitedForAndCostsNoAttempt) {
  write(2s);
  run();
  EXPECT_FALSE(ending_);
  ASSERT_TRUE(requeue_error());
  EXPECT_EQ(requeue_error()->code, Errc::source_busy);
  EXPECT_NE(requeue_error()->message.find("still being written"), std::string::npos);
  EXPECT_TRUE(requeue_error()->retryable);
  EXPECT_EQ(requeued_->delay, 3s + 1ms);
  EXPECT_FALSE(requeued_->failed_attempt);
  EXPECT_TRUE(objects_.calls.empty());
}

TEST_F(SourceReadinessRun, AQuietSourceIsSentAtOnce) {
  write(6s);
  run();
  expect_completed();
}

TEST_F(SourceReadinessRun, TheWaitHasAnEnd) {
  write(2s);
  run();
  stores_.clock.pass(1h - 1ms);
  write(2s);
  run();
  ASSERT_TRUE(requeue_error()) << "an hour from the first attempt on";
  stores_.clock.pass(1ms);
  write(2s);
  run();
  expect_failed(Errc::source_busy);
}

TEST_F(SourceReadinessRun, PartsThatWereSentOfThisVersionGoOn) {
  write(6s);
  storages_.bytes = std::string(2 * kPreferredPartBytes, 'v');
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  readiness_.quiet = 1h;
  run();
  expect_completed();
}

TEST_F(SourceReadinessRun, ASourceThatIsWrittenToWhileItIsSentIsWaitedForToo) {
  write(6s);
  storages_.changing_opens = 1;
  storages_.on_open = [this] {
    if (storages_.opened == 2) write(0s);
  };
  run();
  EXPECT_FALSE(ending_);
  ASSERT_TRUE(requeue_error());
  EXPECT_EQ(requeue_error()->code, Errc::source_busy);
}

class ChangingSource : public UploadRunTest {
 protected:
  ChangingSource() {
    storages_.bytes = std::string(kThreeParts, 'v');
    readiness_ = {0s, 1h};
    objects_.on_part = [this] {
      if (objects_.count("part") == 2 && then) then(*storages_.last);
    };
  }
  std::function<void(MemorySource&)> then;  // when the second part is sent
};

TEST_F(ChangingSource, ATouchCostsNothing) {
  then = [](MemorySource& source) { ++source.touches; };
  run();
  expect_completed();
  EXPECT_EQ(objects_.count("part"), 3);
  EXPECT_EQ(storages_.opened, 1);
}

TEST_F(ChangingSource, ARewriteBehindATouchStartsOver) {
  then = [this](MemorySource& source) {
    then = nullptr;
    storages_.bytes.front() = 'w';
    source.rewrite(storages_.bytes);
  };
  run();
  expect_completed();
  EXPECT_EQ(storages_.opened, 2);
  EXPECT_EQ(objects_.count("create"), 2);
}

TEST_F(ChangingSource, WhatIsRewrittenBeforeItIsSentMustHaveTheExpectedChecksum) {
  request_.options.checksum = "sha256:" + to_hex(sha256(bytes_of(storages_.bytes)));
  then = [this](MemorySource& source) {
    std::string bytes = storages_.bytes;
    bytes.back() = 'w';
    source.rewrite(bytes);
    then = nullptr;
  };
  run();
  expect_failed(Errc::source_mismatch);
}

TEST_F(ChangingSource, WhereTimesNeverMoveTheContentIsReadAgain) {
  storages_.on_open = [this] { storages_.last->settles = false; };
  then = [this](MemorySource& source) {
    then = nullptr;
    storages_.bytes.front() = 'w';
    source.rewrite(storages_.bytes);
    source.touches = 0;
  };
  run();
  expect_completed();
  EXPECT_EQ(storages_.opened, 2);
  EXPECT_EQ(objects_.count("create"), 2);
}

TEST_F(ChangingSource, ASmallOneThatIsStoredIntoWhileItIsReadIsReadAgain) {
  storages_.bytes = "hello";
  int reads = 0;
  storages_.on_open = [&] {
    storages_.last->on_read = [&] {
      if (++reads > 2) return;
      storages_.last->rewrite("hell" + std::to_string(reads));
      storages_.last->touches = 0;
    };
  };
  run();
  expect_completed();
  EXPECT_EQ(reads, 3);
  EXPECT_EQ(objects_.object_crc, crc32c_base64(crc32c(0, bytes_of("hell2"))));
}

TEST_F(ChangingSource, OneThatKeepsChangingIsWaitedForLongerAndLonger) {
  storages_.changing_opens = 1000;
  run();
  ASSERT_TRUE(requeue_error());
  EXPECT_EQ(requeue_error()->code, Errc::source_changed);
  EXPECT_TRUE(requeue_error()->retryable);
  EXPECT_FALSE(requeued_->failed_attempt);
  EXPECT_EQ(requeued_->delay, 5s);
  std::chrono::milliseconds last{0};
  int attempts = 1;
  for (; requeued_; ++attempts) {
    EXPECT_GE(*requeued_->delay, last);
    last = *requeued_->delay;
    run();
  }
  expect_failed(Errc::source_changed);
  EXPECT_EQ(attempts, 12) << "5, 5, 10, 20, … s, for an hour";
}

TEST_F(ChangingSource, ASmallOneThatIsTouchedWheneverItIsReadIsReadTwice) {
  storages_.bytes = "hello";
  int reads = 0;
  storages_.on_open = [&] {
    storages_.last->on_read = [&] {
      ++storages_.last->touches;
      ++reads;
    };
  };
  run();
  expect_completed();
  EXPECT_EQ(reads, 2);
}

TEST_F(ChangingSource, ASmallOneThatIsRewrittenWheneverItIsReadIsWaitedFor) {
  storages_.bytes = "hello";
  int reads = 0;
  storages_.on_open = [&] {
    storages_.last->on_read = [&] { storages_.last->rewrite("hell" + std::to_string(++reads % 10)); };
  };
  run();
  EXPECT_EQ(objects_.count("put"), 0);
  ASSERT_TRUE(requeue_error());
  EXPECT_EQ(requeue_error()->code, Errc::source_changed);
  EXPECT_EQ(reads, 6) << "three times in each of two starts";
}

TEST(SourceChecksum, IsThatOfAllBytes) {
  const std::string bytes(1'000'000, 'v');
  const MemorySource source(bytes);
  const auto whole = to_hex(sha256(bytes_of(bytes)));
  RunControl control;
  EXPECT_TRUE(check_by_reading(source, {ExpectedChecksum::Algorithm::sha256, whole}, control));
  const auto checked = check_by_reading(source, {ExpectedChecksum::Algorithm::sha256, std::string(64, '0')}, control);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Errc::source_mismatch);
  EXPECT_NE(checked.error().message.find("sha256:" + whole), std::string::npos) << "it names both";
}

TEST(SourceChecksum, OfAnEmptyFileToo) {
  RunControl control;
  EXPECT_TRUE(check_by_reading(MemorySource(""), {ExpectedChecksum::Algorithm::md5, "d41d8cd98f00b204e9800998ecf8427e"},
                               control));
}

TEST(SourceChecksum, TheReadingEndsWhenTheRunIsToEnd) {
  RunControl control;
  control.end({Errc::interrupted, "shutting down"});
  const auto checked = check_by_reading(MemorySource("hello"), {ExpectedChecksum::Algorithm::md5, ""}, control);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Errc::interrupted);
}

TEST(SourceChecksum, CrcIsComparedWhereItIsKnownAlready) {
  const ExpectedChecksum expected{ExpectedChecksum::Algorithm::crc32c, crc32c_base64(0x9A71BB4C)};
  EXPECT_TRUE(check_crc32c(expected, 0x9A71BB4C));
  EXPECT_EQ(check_crc32c(expected, 0x9A71BB4D).error().code, Errc::source_mismatch);
  EXPECT_TRUE(check_crc32c({ExpectedChecksum::Algorithm::md5, "x"}, 1)) << "another digest is compared elsewhere";
}

// A source of which a part is in memory. Records what was read.
class HalfCachedSource final : public SourceFile {
 public:
  HalfCachedSource(std::int64_t size, std::int64_t cached) : cached_(cached) { identity_.size = size; }

  [[nodiscard]] const SourceIdentity& identity() const override { return identity_; }
  void read_async(std::int64_t offset, std::span<std::uint8_t> buffer,
                  std::function<void(Result<>)> done) const override {
    if (offset + std::ssize(buffer) > identity_.size) return done(Error{Errc::source_changed, "shorter"});
    reads[offset] = std::ssize(buffer);
    done({});
  }
  Result<std::size_t> read_cached(std::int64_t offset, std::span<std::uint8_t> buffer) const override {
    if (offset >= identity_.size) return Error{Errc::source_changed, "shorter"};
    return offset < cached_ ? buffer.size() : std::size_t{0};
  }
  Result<bool> settle(std::int64_t, std::int64_t) const override { return true; }
  Result<SourceIdentity> check_unchanged() const override { return identity_; }

  mutable std::map<std::int64_t, std::int64_t> reads;  // offset, bytes

 private:
  SourceIdentity identity_;
  const std::int64_t cached_;
};

constexpr std::int64_t kKib = 1024;

TEST(ReadAhead, ReadsWhatIsNotInMemory) {
  const HalfCachedSource source(1000 * kKib, 512 * kKib);
  ASSERT_TRUE(read_ahead(source, 256 * kKib, 700 * kKib));
  EXPECT_EQ(
      source.reads,
      (std::map<std::int64_t, std::int64_t>{
          {512 * kKib, 128 * kKib}, {640 * kKib, 128 * kKib}, {768 * kKib, 128 * kKib}, {896 * kKib, 60 * kKib}}));
}

TEST(ReadAhead, ReadsNothingWhereAllIsThere) {
  const HalfCachedSource source(1000 * kKib, 1000 * kKib);
  ASSERT_TRUE(read_ahead(source, 0, 1000 * kKib));
  ASSERT_TRUE(read_ahead(source, 5, 0));
  EXPECT_TRUE(source.reads.empty());
}

TEST(ReadAhead, ReportsWhyItCannot) {
  EXPECT_EQ(read_ahead(HalfCachedSource(1000, 0), 0, 1001).error().code, Errc::source_changed);
  EXPECT_EQ(read_ahead(HalfCachedSource(1000, 1000), 0, 1001).error().code, Errc::source_changed);
}

TEST(CheckByReading, GoesOnWhereItWasInterrupted) {
  const std::string bytes(10 * 1024 * 1024, 'x');
  for (const auto* text : {"md5", "sha256"}) {
    MemorySource source(bytes);
    ExpectedChecksum expected{ExpectedChecksum::Algorithm::md5, to_hex(md5(bytes_of(bytes)))};
    if (std::string_view(text) == "sha256") {
      Sha256 digest;
      digest.update(bytes_of(bytes));
      expected = {ExpectedChecksum::Algorithm::sha256, to_hex(digest.finish())};
    }
    UnfinishedReading reading;
    int runs = 0;
    int all_reads = 0;
    Result<> checked;
    do {
      RunControl control;
      control.reading() = std::move(reading);
      int reads = 0;
      source.on_read = [&] {
        ++all_reads;
        if (++reads == 20) control.end({Errc::interrupted, "others have a turn"});
      };
      checked = check_by_reading(source, expected, control);
      reading = std::move(control.reading());
    } while (!checked && checked.error().code == Errc::interrupted && ++runs < 100);
    EXPECT_TRUE(checked) << checked.error().message;
    EXPECT_EQ(all_reads, 80) << text << ": no byte is read twice";
    EXPECT_EQ(runs, 3);
    EXPECT_FALSE(reading.any());
  }
}

TEST(CheckByReading, AnotherVersionIsReadFromItsBeginning) {
  RunControl control;
  control.reading().source = {SourceIdentity{}, 4, std::make_unique<Md5>()};
  const MemorySource source("hello");
  EXPECT_TRUE(check_by_reading(source, {ExpectedChecksum::Algorithm::md5, to_hex(md5(bytes_of("hello")))}, control));
}

}  // namespace
}  // namespace vodlift::worker
