#include "postgres/pg_database.h"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <functional>
#include <future>
#include <mutex>
#include <vector>

#include "postgres/pg_migrations.h"
#include "postgres/pg_nodes.h"
#include "postgres/pg_server_check.h"
#include "postgres/started_server_test.h"
#include "postgres/upload_statements.h"

namespace vodlift::postgres {
namespace {

using namespace std::chrono_literals;

// Whether it comes in that time.
bool comes(const std::function<bool()>& wanted, std::chrono::milliseconds within = 10s) {
  for (auto waited = 0ms; waited < within; waited += 50ms) {
    if (wanted()) return true;
    std::this_thread::sleep_for(50ms);
  }
  return false;
}

// A server of its own, with commits that wait for a standby when they are told to.
class DatabaseTest : public testing::Test {
 protected:
  static StartedServer& server() {
    static StartedServer started({"-cfsync=off"});
    return started;
  }

  std::unique_ptr<PgDatabase> open(bool tell_nodes = false) {
    PgOptions options;
    options.url = server().url_of(name_);
    options.accept_unsafe = true;
    options.feed = tell_nodes ? &feed_ : nullptr;
    options.tell_nodes = tell_nodes;
    return PgDatabase::open(std::move(options)).value();
  }

  static void run(const std::string& sql) {
    auto connection = PgConnection::open(server().url_of("postgres")).value();
    connection->execute(sql);
    const auto failure = connection->take_failure();
    ASSERT_FALSE(failure) << failure->error.message;
  }
  // Each commit waits for this standby, which does not exist.
  static void set_standby(const std::string& name) {
    run("ALTER SYSTEM SET synchronous_standby_names = '" + name + "'");
    run("SELECT pg_reload_conf()");
    for (int tries = 0; !name.empty() && !commits_wait(); ++tries) ASSERT_LT(tries, 100);
  }
  // The server takes a new setting some time after it was told to. Tries with a commit.
  static bool commits_wait() {
    auto commit = std::async(std::launch::async, [] { run("CREATE TABLE public.tried (); DROP TABLE public.tried"); });
    auto connection = PgConnection::open(server().url_of("postgres")).value();
    bool waited = false;
    while (commit.wait_for(10ms) != std::future_status::ready) {
      waited |= connection
                    ->execute(
                        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
                        " AND datname = 'postgres'")
                    .has_value();
    }
    return waited;
  }
  // Does this to all sessions that wait for a standby, for a while.
  void to_waiting_commits(const std::string& what) {
    const std::string sql =
        "SELECT " + what + "(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = '" + name_ + "'";
    auto connection = PgConnection::open(server().url_of("postgres")).value();
    int done = 0;
    for (int tries = 0; tries < 60; ++tries) {
      if (connection->execute(sql)) ++done;
      std::this_thread::sleep_for(10ms);
    }
    EXPECT_GT(done, 0);
  }

  // A change of which it can be counted how often it was made.
  static Result<> add_one(PgDatabase& database) {
    return database.write([](PgTransaction& transaction) -> Result<> {
      transaction.connection.run(
          "INSERT INTO retries (upload_id, retried_as) SELECT count(*), count(*) + 1 FROM retries");
      return {};
    });
  }
  static std::int64_t count(PgDatabase& database) {
    return database
        .read([](PgTransaction& transaction) -> Result<std::int64_t> {
          auto row = transaction.connection.run("SELECT count(*) AS rows FROM retries");
          return row.next() ? row.integer("rows") : -1;
        })
        .value();
  }

  void expect_waits_for_the_standby(const std::string& what) {
    const auto database = open();
    set_standby("nobody");
    auto answer = std::async(std::launch::async, [&] { return add_one(*database); });
    to_waiting_commits(what);
    EXPECT_EQ(answer.wait_for(1500ms), std::future_status::timeout) << "the change is visible, but nobody has a copy";
    set_standby("");
    EXPECT_TRUE(answer.get());
    EXPECT_EQ(count(*database), 1) << "made once";
  }

  LocalChangeFeed feed_;
  const std::string name_ = server().make_database();
};

TEST_F(DatabaseTest, ACommitWhoseConnectionIsLostIsNoSuccessBeforeTheStandbyHasIt) {
  expect_waits_for_the_standby("pg_terminate_backend");
}

TEST_F(DatabaseTest, ACommitThatWarnsIsNoSuccessBeforeTheStandbyHasIt) {
  expect_waits_for_the_standby("pg_cancel_backend");
}

TEST_F(DatabaseTest, AChangeThatWasRolledBackIsMadeAgain) {
  const auto database = open();
  int runs = 0;
  const auto changed = database->write([&](PgTransaction& transaction) -> Result<> {
    transaction.connection.run("INSERT INTO retries (upload_id, retried_as) VALUES (1, 2)");
    if (++runs == 1) {
      auto process = transaction.connection.run("SELECT pg_backend_pid() AS pid");
      EXPECT_TRUE(process.next());
      run("SELECT pg_terminate_backend(" + std::to_string(process.integer("pid")) + ")");
      transaction.connection.run("SELECT 1 AS one");
    }
    return {};
  });
  EXPECT_TRUE(changed);
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(count(*database), 1);
}

TEST_F(DatabaseTest, ARefusedChangeLeavesNothing) {
  const auto database = open();
  const auto refused = database->write([&](PgTransaction& transaction) -> Result<> {
    transaction.connection.run("INSERT INTO retries (upload_id, retried_as) VALUES (1, 2)");
    return Error{Errc::wrong_state, "no"};
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::wrong_state);
  const auto broken = database->write([&](PgTransaction& transaction) -> Result<> {
    transaction.connection.run("INSERT INTO retries (upload_id, retried_as) VALUES (2, 1)");
    return {};
  });
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Errc::internal);
  EXPECT_EQ(count(*database), 0);
}

TEST_F(DatabaseTest, TransactionsThatBlockEachOtherBothSucceed) {
  const auto database = open();
  ASSERT_TRUE(database->write([](PgTransaction& transaction) -> Result<> {
    transaction.connection.run("INSERT INTO retries (upload_id, retried_as) VALUES (1, 2), (2, 3)");
    return {};
  }));
  const auto change_both = [&](int first, int second) {
    return database->write([&](PgTransaction& transaction) -> Result<> {
      transaction.connection.run("UPDATE retries SET retried_as = retried_as + 1 WHERE upload_id = $1", first);
      std::this_thread::sleep_for(100ms);
      transaction.connection.run("UPDATE retries SET retried_as = retried_as + 1 WHERE upload_id = $1", second);
      return {};
    });
  };
  auto other = std::async(std::launch::async, [&] { return change_both(2, 1); });
  EXPECT_TRUE(change_both(1, 2));
  EXPECT_TRUE(other.get());
}

TEST_F(DatabaseTest, ANodeHearsOfTheChangesOfAnother) {
  const auto one = open(true);
  PgOptions options;
  options.url = server().url_of(name_);
  options.accept_unsafe = true;
  LocalChangeFeed theirs;
  options.feed = &theirs;
  options.tell_nodes = true;
  const auto second = PgDatabase::open(std::move(options)).value();
  std::promise<UploadId> heard;
  std::atomic_flag first;
  const auto following = feed_.subscribe(Change::Kind::upload_recalled, [&](const Change& change) {
    if (change.upload != 0 && !first.test_and_set()) heard.set_value(change.upload);  // 0: any of them
  });
  auto answer = heard.get_future();
  for (int tries = 0; tries < 100 && answer.wait_for(50ms) != std::future_status::ready; ++tries) {
    ASSERT_TRUE(second->write([](PgTransaction& transaction) -> Result<> {
      transaction.tell({Change::Kind::upload_recalled, 158, 7});
      return {};
    }));
  }
  EXPECT_EQ(answer.get(), 7);
}

TEST_F(DatabaseTest, ASchemaOfANewerReleaseIsLeftAlone) {
  open();
  {
    auto connection = PgConnection::open(server().url_of(name_)).value();
    connection->execute("INSERT INTO migrations (number, name, readable_by) VALUES (1000, '1000_later', 1000)");
  }
  PgOptions options;
  options.url = server().url_of(name_);
  options.accept_unsafe = true;
  const auto refused = PgDatabase::open(std::move(options));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::config_invalid);
  EXPECT_NE(refused.error().message.find("newer vodlift"), std::string::npos) << refused.error().message;
}

// Two releases: the second expands the schema, and the third takes away what the first needs.
TEST_F(DatabaseTest, AnOlderProgramGoesOnBesideASchemaThatItCanRead) {
  constexpr std::array kSteps = {
      Migration{1, "0001_schema", "CREATE TABLE things (old integer)"},
      Migration{2, "0002_expand", "\n-- readable by step 1\nALTER TABLE things ADD COLUMN new integer"},
      Migration{3, "0003_contract", "-- readable by step 2\nALTER TABLE things DROP COLUMN old"}};
  const std::span<const Migration> steps(kSteps);
  auto connection = PgConnection::open(server().url_of(name_)).value();
  ASSERT_TRUE(migrate(*connection, steps.first(1)));
  ASSERT_TRUE(migrate(*connection, steps.first(2)));
  EXPECT_TRUE(check_readable(*connection, 1));
  ASSERT_TRUE(migrate(*connection, steps.first(1))) << "an older node restarts";
  connection->execute("INSERT INTO things (old) VALUES (1)");
  ASSERT_TRUE(migrate(*connection, steps));
  EXPECT_EQ(check_readable(*connection, 1).error().code, Errc::config_invalid);
  EXPECT_EQ(migrate(*connection, steps.first(1)).error().code, Errc::config_invalid);
  EXPECT_TRUE(check_readable(*connection, 2));
  ASSERT_TRUE(migrate(*connection, steps.first(2)));
  EXPECT_FALSE(connection->take_failure());
}

TEST_F(DatabaseTest, ARunningProgramNoticesASchemaThatItCannotRead) {
  const auto database = open();
  auto connection = PgConnection::open(server().url_of(name_)).value();
  connection->execute("INSERT INTO migrations (number, name, readable_by) VALUES (1000, '1000_later', 1)");
  EXPECT_FALSE(comes([&] { return database->outdated().has_value(); }, 3s));
  connection->execute("UPDATE migrations SET readable_by = 1000 WHERE number = 1000");
  EXPECT_TRUE(comes([&] { return database->outdated().has_value(); }));
  EXPECT_NE(database->outdated().value_or(Error{}).message.find("newer vodlift"), std::string::npos);
}

TEST_F(DatabaseTest, NodesThatStartTogetherMakeOneSchema) {
  std::vector<std::future<bool>> started;
  for (int node = 0; node < 4; ++node) {
    started.push_back(std::async(std::launch::async, [this] { return open() != nullptr; }));
  }
  for (auto& one : started) EXPECT_TRUE(one.get());
}

TEST_F(DatabaseTest, GoesOnWhenTheServerIsBack) {
  const auto database = open();
  ASSERT_TRUE(add_one(*database));
  server().stop(SIGQUIT);
  const auto failed = add_one(*database);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::store_failed);
  server().start();
  EXPECT_TRUE(comes([&] { return add_one(*database).has_value(); }));
}

TEST_F(DatabaseTest, AnIdleNodeNoticesThatTheServerIsAwayAndThatItIsBack) {
  const auto database = open();
  EXPECT_FALSE(database->health().refuses_for);
  server().stop(SIGQUIT);
  EXPECT_TRUE(comes([&] { return database->health().refuses_for.has_value(); }));
  EXPECT_FALSE(database->health().why.empty());
  server().start();
  EXPECT_TRUE(comes([&] { return !database->health().refuses_for; }));
}

TEST_F(DatabaseTest, CountsWhatEntersAState) {
  const auto database = open();
  const auto enter = [&](Errc refusal) {
    (void)database->write([&](PgTransaction& transaction) -> Result<> {
      transaction.together = 3;
      transaction.counts.add(158, UploadState::queued, 1000);
      transaction.counts.move(158, UploadState::queued, UploadState::uploading, 1000);
      if (refusal != Errc::internal) return Error{refusal, "no"};
      return {};
    });
  };
  enter(Errc::internal);
  enter(Errc::wrong_state);
  const auto entered = [&](UploadState state) {
    return database->metrics().entered[static_cast<std::size_t>(state)].value();
  };
  EXPECT_EQ(entered(UploadState::queued), 1);
  EXPECT_EQ(entered(UploadState::uploading), 1);
  EXPECT_EQ(database->metrics().refused.value(), 0) << "that one was the caller's fault";
}

TEST_F(DatabaseTest, ChangesOfCountsThatAreAddedUpNeedNotBeReadAgain) {
  constexpr std::int64_t kGiven = 50'000;  // ids of earlier changes
  const auto database = open();
  (void)database->write([&](PgTransaction& transaction) -> Result<> {
    transaction.connection.run("SELECT setval('upload_count_changes_id_seq', $1)", kGiven);
    return {};
  });
  const auto queue = [&](AccountId account, int uploads) {
    (void)database->write([&](PgTransaction& transaction) -> Result<> {
      for (int i = 0; i < uploads; ++i) transaction.counts.add(account, UploadState::queued, 1000);
      transaction.counts.add(account, UploadState::completed, 1000);
      return {};
    });
  };
  const auto counted = [&](std::int64_t above) {
    const auto counts = database->read([&](PgTransaction& transaction) -> Result<std::vector<std::int64_t>> {
      const std::vector<std::int64_t> accounts = {158, 200, 201};
      std::vector<std::int64_t> all;
      auto row = transaction.connection.run(sql::kNearlyOpenCounts, accounts, above);
      while (row.next()) all.push_back(row.integer("uploads"));
      return all;
    });
    return counts ? *counts : std::vector<std::int64_t>();
  };
  queue(158, 5);
  EXPECT_TRUE(comes([&] { return database->added_up_to() > 0; }));
  EXPECT_LE(database->added_up_to(), kGiven) << "the latest may still be under way";
  queue(158, 2);
  queue(200, 1);
  EXPECT_EQ(counted(database->added_up_to()), (std::vector<std::int64_t>{7, 1, 0}));
  EXPECT_TRUE(comes([&] { return counted(2 * kGiven) == std::vector<std::int64_t>{7, 1, 0}; })) << "all is added up";

  const auto other = open();
  EXPECT_TRUE(comes([&] { return other->added_up_to() > 0; })) << "though it found nothing to add up";
}

}  // namespace
}  // namespace vodlift::postgres
