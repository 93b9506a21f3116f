#include "core/removals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/bandwidth.h"
#include "memory/memory_accounts.h"
#include "memory/watched_uploads.h"

namespace vodlift {
namespace {

using testing::HasSubstr;

class SetClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return now_; }
  void pass(std::chrono::milliseconds time) { now_ += time; }

 private:
  WallTime now_ = from_unix_ms(1'700'000'000'000);
};

class KeptEntries final : public AuditLog {
 public:
  void record(const AuditEntry& entry) noexcept override { commands.emplace_back(entry.command); }
  std::vector<std::string> commands;
};

class RemovalsTest : public testing::Test {
 protected:
  void SetUp() override {
    accounts_.add_account({158, "jb", Secret("whsec_jb"), clock_.now()}).value();
    accounts_.put_bucket({158, "b", "http://h", "r", "AKIA", Secret("s"), false, AclPolicy::fail, clock_.now()})
        .value();
    for (const BandwidthScope& scope : {BandwidthScope{BandwidthScope::Kind::bucket, 158, "b"},
                                        BandwidthScope{BandwidthScope::Kind::account, 158, ""}}) {
      BandwidthLimit limit;
      limit.scope = scope;
      limit.rate = parse_rate("50MB").value();
      limit.time_zone = "UTC";
      bandwidth_.set(limit).value();
    }
  }

  Removals removals() { return {accounts_, uploads_, bandwidth_, audit_, clock_}; }
  Result<RemovalOutcome> ask(RemovalMode mode) { return removals().carry_out(bucket_, mode); }

  const Removable bucket_{RemovableKind::bucket, 158, "b"};
  SetClock clock_;
  memory::MemoryAccounts rows_;
  AccountDirectory accounts_{rows_};
  memory::WatchedUploads uploads_{clock_};
  memory::MemoryBandwidthLimits limits_{uploads_.database()};
  Bandwidth live_{clock_};
  BandwidthControl bandwidth_{limits_, live_, {}};
  KeptEntries audit_;
};

TEST_F(RemovalsTest, WhatNothingUsesGoesAtOnceWithItsLimits) {
  const auto done = ask(RemovalMode::unused);
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->removed);
  EXPECT_FALSE(accounts_.find_bucket(158, "b"));
  const auto left = bandwidth_.list().value();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].scope.kind, BandwidthScope::Kind::account);
  EXPECT_EQ(ask(RemovalMode::unused).error().code, Errc::not_found);
}

TEST_F(RemovalsTest, WhatIsUsedIsRefusedAndSaysByWhat) {
  rows_.use({.queued = 2, .uploading = 1, .callbacks = 4});
  const auto refused = ask(RemovalMode::unused);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::wrong_state);
  EXPECT_THAT(refused.error().message,
              HasSubstr("bucket b of account 158 is not removed: it has 3 uploads (2 queued, 1 uploading) and 4 "
                        "callbacks. With drain"));
  EXPECT_FALSE(accounts_.find_bucket(158, "b")->removing);
}

TEST_F(RemovalsTest, ADrainEndsWhenNothingIsLeft) {
  rows_.use({.paused = 1});
  const auto done = ask(RemovalMode::drain);
  ASSERT_TRUE(done);
  EXPECT_FALSE(done->removed);
  EXPECT_EQ(done->uses, (Uses{.paused = 1}));
  EXPECT_EQ(accounts_.find_bucket(158, "b")->removing, clock_.now());
  clock_.pass(Removals::kSettle);
  removals().sweep();
  EXPECT_TRUE(accounts_.find_bucket(158, "b"));
  EXPECT_TRUE(audit_.commands.empty());
  rows_.use({});
  rows_.fail_with(Error{Errc::store_failed, "the disk is full"});
  removals().sweep();
  rows_.fail_with(std::nullopt);
  removals().sweep();
  EXPECT_FALSE(accounts_.find_bucket(158, "b"));
  EXPECT_EQ(audit_.commands, (std::vector<std::string>{"bucket.remove"}));
  EXPECT_EQ(bandwidth_.list().value().size(), 1U);
}

TEST_F(RemovalsTest, AnUploadThatWasAcceptedJustBeforeIsWaitedFor) {
  rows_.use({.queued = 1});
  ask(RemovalMode::drain).value();
  rows_.use({});
  clock_.pass(Removals::kSettle - std::chrono::milliseconds(1));
  removals().sweep();
  EXPECT_TRUE(accounts_.find_bucket(158, "b"));
  clock_.pass(std::chrono::hours(-1));
  removals().sweep();
  EXPECT_FALSE(accounts_.find_bucket(158, "b")) << "a clock that was set back does not hold it up";
}

TEST_F(RemovalsTest, ADrainCanBeTakenBack) {
  rows_.use({.queued = 1});
  ask(RemovalMode::drain).value();
  EXPECT_FALSE(ask(RemovalMode::keep).value().removed);
  rows_.use({});
  clock_.pass(Removals::kSettle);
  removals().sweep();
  EXPECT_TRUE(accounts_.find_bucket(158, "b"));
}

TEST_F(RemovalsTest, WordsWhatIsCounted) {
  EXPECT_EQ(to_text(Uses{}), "");
  EXPECT_EQ(to_text(Uses{.queued = 1}), "1 upload (1 queued)");
  EXPECT_EQ(to_text(Uses{.callbacks = kMostUses, .multiparts = 1, .keys = 2}),
            "100000 or more callbacks, 1 multipart upload and 2 API keys");
}

}  // namespace
}  // namespace vodlift
