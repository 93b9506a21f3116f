// The schema holds the same truth as core/upload.h: states, moves, and which facts go with which state.
#include <fmt/format.h>

#include <array>

#include "core/fair_share.h"
#include "core/part_plan.h"
#include "core/principal.h"
#include "core/upload_request.h"
#include "store/sqlite_migrations.h"
#include "store/sqlite_setup.h"
#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

constexpr std::array kStates = {UploadState::queued,    UploadState::paused, UploadState::uploading,
                                UploadState::completed, UploadState::failed, UploadState::cancelled};

class Schema : public StoreTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(prepare_database_file(path_));
    connection_ = SqliteConnection::open(path_, SqliteConnection::Access::read_write).value();
    ASSERT_TRUE(configure_writer(*connection_));
    ASSERT_TRUE(migrate(*connection_, clock_.now(), sqlite_migrations()));
  }

  // True when the schema allows the statements; they leave nothing behind.
  bool allowed(const std::string& statements) {
    EXPECT_TRUE(connection_->execute("BEGIN"));
    const bool done = connection_->execute(statements);
    connection_->roll_back();
    const auto error = connection_->take_error();
    EXPECT_TRUE(!error || error->code == Errc::internal) << error->message;
    return done;
  }

  // An upload in `state`, with all that belongs to it.
  static std::string insert_in(UploadState state) {
    const bool ran = state == UploadState::uploading || state == UploadState::completed;
    return fmt::format(
        "INSERT INTO uploads (account, key_id, state, priority, path, destination_path, bucket, acl, metadata, "
        "callback, "
        "token, size, next_attempt_ms, created_ms, attempts, fence, started_ms, bytes_sent, {0}) "
        "VALUES (158, 0, '{1}', 5, 'p', 'd', 'b', 'private', '{{}}', '', 't', 10, 0, 0, {2}, {2}, {3}, {4}, {5});",
        "lease_until_ms, owner, owner_term, finished_ms, error_code, error_message, error_retryable", to_string(state),
        ran ? 1 : 0, ran ? "1" : "NULL", state == UploadState::completed ? 10 : 0, facts_of(state));
  }

  static std::string facts_of(UploadState state) {
    return fmt::format("{}, {}, {}", state == UploadState::uploading ? "99, 1, 1" : "NULL, NULL, NULL",
                       is_end(state) ? "99" : "NULL",
                       state == UploadState::failed ? "'network', 'm', 1" : "NULL, NULL, NULL");
  }

  static std::string move_to(UploadState state) {
    return fmt::format(
        "UPDATE uploads SET state = '{}', attempts = 1, fence = 1, started_ms = 1, bytes_sent = 10, "
        "(lease_until_ms, owner, owner_term, finished_ms, error_code, error_message, error_retryable) = ({});",
        to_string(state), facts_of(state));
  }

  std::unique_ptr<SqliteConnection> connection_;
};

TEST_F(Schema, KnowsEveryStateAndNoOther) {
  for (const UploadState state : kStates) EXPECT_TRUE(allowed(insert_in(state))) << to_string(state);
  std::string unknown = insert_in(UploadState::queued);
  unknown.replace(unknown.find("'queued'"), 8, "'done'");
  EXPECT_FALSE(allowed(unknown));
}

TEST_F(Schema, AllowsExactlyTheMovesOfTheTable) {
  for (const UploadState from : kStates) {
    for (const UploadState to : kStates) {
      EXPECT_EQ(allowed(insert_in(from) + move_to(to)), may_move(from, to))
          << to_string(from) << " to " << to_string(to);
    }
  }
}

TEST_F(Schema, ALeaseBelongsToARunningUpload) {
  EXPECT_FALSE(
      allowed(insert_in(UploadState::queued) + "UPDATE uploads SET (lease_until_ms, owner, owner_term) = (1, 1, 1)"));
  EXPECT_FALSE(allowed(insert_in(UploadState::uploading) +
                       "UPDATE uploads SET (lease_until_ms, owner, owner_term) = (NULL, NULL, NULL)"));
}

TEST_F(Schema, ALeaseHasAnOwner) {
  EXPECT_FALSE(allowed(insert_in(UploadState::uploading) + "UPDATE uploads SET owner = NULL"));
  EXPECT_FALSE(allowed(insert_in(UploadState::uploading) + "UPDATE uploads SET owner_term = NULL"));
  EXPECT_FALSE(allowed(insert_in(UploadState::queued) + "UPDATE uploads SET owner = 1, owner_term = 1"));
}

TEST_F(Schema, NoTwoUploadsWaitForTheSame) {
  EXPECT_FALSE(allowed(insert_in(UploadState::queued) + insert_in(UploadState::queued) +
                       insert_in(UploadState::queued) + "UPDATE uploads SET waiting_on = 1 WHERE id > 1"));
}

TEST_F(Schema, AnEndHasATimeAndNothingElseHas) {
  EXPECT_FALSE(allowed(insert_in(UploadState::queued) + "UPDATE uploads SET finished_ms = 1"));
  EXPECT_FALSE(allowed(insert_in(UploadState::completed) + "UPDATE uploads SET finished_ms = NULL"));
}

TEST_F(Schema, CompletedMeansEveryByteAndNoError) {
  EXPECT_FALSE(allowed(insert_in(UploadState::completed) + "UPDATE uploads SET bytes_sent = 9"));
  EXPECT_FALSE(allowed(insert_in(UploadState::completed) +
                       "UPDATE uploads SET error_code = 'network', error_message = 'm', error_retryable = 1"));
}

TEST_F(Schema, FailedHasAReasonAndReasonsAreWhole) {
  EXPECT_FALSE(allowed(insert_in(UploadState::failed) +
                       "UPDATE uploads SET error_code = NULL, error_message = NULL, error_retryable = NULL"));
  EXPECT_FALSE(allowed(insert_in(UploadState::failed) + "UPDATE uploads SET error_message = NULL"));
}

TEST_F(Schema, OnlyTheQueuedWaitAndOnlyForOlderOnes) {
  EXPECT_TRUE(allowed(insert_in(UploadState::queued) + "UPDATE uploads SET waiting_on = id - 1"));
  EXPECT_FALSE(allowed(insert_in(UploadState::queued) + "UPDATE uploads SET waiting_on = id"));
  EXPECT_FALSE(allowed(insert_in(UploadState::uploading) + "UPDATE uploads SET waiting_on = id - 1"));
}

TEST_F(Schema, NumbersHaveTheirRanges) {
  for (const std::string change : {"priority = 10", "priority = -1", "size = -1", "bytes_sent = -1", "account = 0",
                                   "acl = 'public'", "destination_path = ''", "bucket = ''", "fence = -1"}) {
    EXPECT_FALSE(allowed(insert_in(UploadState::queued) + "UPDATE uploads SET " + change)) << change;
  }
}

TEST_F(Schema, LimitsAreThoseOfCore) {
  const std::string upload = insert_in(UploadState::uploading);
  const std::string account = "INSERT INTO accounts (cdn, user, webhook_secret, created_ms) VALUES (158, 'u', x'', 0);";
  const std::string bucket =
      account +
      "INSERT INTO buckets (cdn, bucket, endpoint, region, access_key, secret_key, path_style, acl_policy, created_ms) "
      "VALUES (158, 'b', '', '', '', x'', 0, 'fail', 0);";
  const std::string part =
      upload +
      "INSERT INTO multiparts SELECT max(id), 'm', 1, 'md5', 'private', 1, 1, 1, 1, 1 FROM uploads;"
      "INSERT INTO parts SELECT max(id), 1, 1, 'e', 0, x'', 1 FROM uploads;";
  const auto expect_range = [this](const std::string& setup, const std::string& change, std::int64_t least,
                                   std::int64_t most) {
    const auto allows = [&](std::int64_t value) { return allowed(setup + change + std::to_string(value)); };
    EXPECT_TRUE(allows(least) && allows(most)) << change;
    EXPECT_FALSE(allows(least - 1) || allows(most + 1)) << change;
  };
  expect_range(account, "UPDATE accounts SET weight = ", 1, kMaxWeight);
  expect_range(account, "UPDATE accounts SET uploads_at_once = ", 0, kMaxUploadsAtOnce);
  expect_range(bucket, "UPDATE buckets SET max_parts = ", kLeastMaxParts, kMaxParts);
  expect_range(bucket, "UPDATE buckets SET part_size = ", kMinPartBytes, kMaxPartBytes);
  expect_range(upload, "UPDATE uploads SET priority = ", 0, kMaxPriority);
  expect_range(part, "UPDATE parts SET number = ", 1, kMaxParts);
}

TEST_F(Schema, ASignatureHas32BytesAndIsKeptOnce) {
  const std::string insert = "INSERT INTO signed_requests VALUES (0, 1, zeroblob({}), {});";
  EXPECT_TRUE(allowed(fmt::format(fmt::runtime(insert), 32, 1)));
  EXPECT_FALSE(allowed(fmt::format(fmt::runtime(insert), 31, 1)));
  EXPECT_FALSE(allowed(fmt::format(fmt::runtime(insert), 32, 1) + fmt::format(fmt::runtime(insert), 32, 2)));
}

TEST_F(Schema, NothingButItsStatementsChangesIt) {
  EXPECT_FALSE(connection_->execute("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = ''"));
  EXPECT_TRUE(connection_->take_error());
}

TEST_F(Schema, ForeignKeysAreEnforced) {
  EXPECT_FALSE(allowed("INSERT INTO api_keys (cdn, api_key, secret, created_ms) VALUES (158, 'k', x'00', 0)"));
  EXPECT_FALSE(allowed("INSERT INTO parts VALUES (1, 1, 1, 'e', 0, x'', 1)"));
}

// The runner, with steps of the tests' own.
class Migrations : public StoreTest {
 protected:
  static constexpr std::array kSteps = {
      Migration{1, "0001_first", "CREATE TABLE first (a INTEGER NOT NULL CHECK (a < 10)) STRICT"},
      Migration{2, "0002_second", "ALTER TABLE first ADD COLUMN b TEXT NOT NULL DEFAULT 'new'"},
  };

  void SetUp() override {
    ASSERT_TRUE(prepare_database_file(path_));
    connection_ = SqliteConnection::open(path_, SqliteConnection::Access::read_write).value();
    ASSERT_TRUE(configure_writer(*connection_));
  }

  Result<> migrate_to(std::span<const Migration> steps) {
    if (auto known = check_schema(*connection_, path_, steps); !known) return known;
    return migrate(*connection_, clock_.now(), steps);
  }

  std::unique_ptr<SqliteConnection> connection_;
};

TEST_F(Migrations, ALaterStepKeepsTheRowsOfTheEarlierOnes) {
  ASSERT_TRUE(migrate_to(std::span(kSteps).first(1)));
  ASSERT_TRUE(connection_->execute("INSERT INTO first VALUES (7)"));
  ASSERT_TRUE(migrate_to(kSteps));
  EXPECT_EQ(connection_->query("SELECT a || b FROM first"), "7new");
  EXPECT_FALSE(connection_->execute("UPDATE first SET a = 10"));
  EXPECT_TRUE(connection_->take_error());
}

TEST_F(Migrations, AStepIsAppliedOnce) {
  for (int round = 0; round < 3; ++round) ASSERT_TRUE(migrate_to(kSteps));
  EXPECT_EQ(connection_->query("SELECT group_concat(name) FROM migrations"), "0001_first,0002_second");
}

TEST_F(Migrations, AStepThatFailsLeavesTheOnesBeforeIt) {
  const std::array steps = {kSteps[0],
                            Migration{2, "0002_broken", "CREATE TABLE half (a); INSERT INTO absent VALUES (1)"}};
  const auto failed = migrate_to(steps);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("0002_broken"), std::string::npos) << failed.error().message;
  EXPECT_EQ(connection_->query("SELECT group_concat(name) FROM migrations"), "0001_first");
  EXPECT_EQ(connection_->query("SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), "0");
  EXPECT_TRUE(migrate_to(kSteps)) << "a mended binary continues where this one stopped";
}

TEST_F(Migrations, FewerOrOtherStepsAreRefused) {
  ASSERT_TRUE(migrate_to(kSteps));
  const auto newer = migrate_to(std::span(kSteps).first(1));
  ASSERT_FALSE(newer);
  EXPECT_NE(newer.error().message.find("newer"), std::string::npos) << newer.error().message;
  const std::array others = {kSteps[0], Migration{2, "0002_other", "SELECT 1"}};
  EXPECT_EQ(migrate_to(others).error().code, Errc::config_invalid);
}

TEST_F(Schema, RolesAndTheirAccountsAreThoseOfCore) {
  for (const Role role : kRoles) {
    for (const auto cdn : {std::optional<AccountId>(), std::optional<AccountId>(158)}) {
      EXPECT_EQ(allowed(fmt::format("INSERT INTO people (name, role, cdn, created_ms) VALUES ('anna', '{}', {}, 0);",
                                    to_string(role), cdn ? "158" : "NULL")),
                check_binding(role, cdn).has_value())
          << to_string(role);
    }
  }
  EXPECT_FALSE(allowed("INSERT INTO people (name, role, created_ms) VALUES ('anna', 'root', 0);"));
  EXPECT_FALSE(allowed("INSERT INTO setup_links (person, hash, until_ms) VALUES (0, x'00', 0);"));
}

}  // namespace
}  // namespace vodlift::store
