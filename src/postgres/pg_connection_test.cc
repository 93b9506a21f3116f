#include "postgres/pg_connection.h"

#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <limits>

#include "postgres/pg_pool.h"
#include "postgres/pg_server_check.h"
#include "postgres/started_server_test.h"

namespace vodlift::postgres {
namespace {

class ConnectionTest : public testing::Test {
 protected:
  static std::unique_ptr<PgConnection> connect() {
    return PgConnection::open(StartedServer::shared().url_of("postgres")).value();
  }

  std::unique_ptr<PgConnection> connection_ = connect();
};

TEST_F(ConnectionTest, EveryValueComesBackAsItWas) {
  const std::string bytes("a\0\xff'\"\\b", 7);
  auto row = connection_->run("SELECT $1 AS low, $2 AS high, $3 AS yes, $4 AS words, $5 AS bytes, $6 AS nothing",
                              std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), true,
                              "Größe 'x'", Bytes{bytes}, std::optional<std::int64_t>());
  ASSERT_TRUE(row.next());
  EXPECT_EQ(row.integer("low"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(row.integer("high"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(row.integer("yes"), 1);
  EXPECT_EQ(row.text("words"), "Größe 'x'");
  EXPECT_EQ(row.blob("bytes"), bytes);
  EXPECT_TRUE(row.is_null("nothing"));
  EXPECT_EQ(row.optional_integer("nothing"), std::nullopt);
  EXPECT_FALSE(row.next());
  EXPECT_THROW((void)connection_->run("SELECT 1 AS one").text("two"), std::logic_error);
}

TEST_F(ConnectionTest, VectorsBecomeArrays) {
  const std::vector<std::int64_t> numbers = {-1, 0, 5'000'000'000};
  const std::vector<std::optional<std::string>> texts = {"a,b", std::nullopt, "{\"}"};
  const std::vector<bool> truths = {true, false, true};
  auto row = connection_->run("SELECT * FROM unnest($1, $2, $3) AS g (number, text, truth)", numbers, texts, truths);
  for (std::size_t at = 0; at < numbers.size(); ++at) {
    ASSERT_TRUE(row.next());
    EXPECT_EQ(row.integer("number"), numbers[at]);
    EXPECT_EQ(row.is_null("text"), !texts[at]);
    EXPECT_EQ(row.text("text"), texts[at].value_or(""));
    EXPECT_EQ(row.integer("truth") != 0, truths[at]);
  }
  EXPECT_FALSE(row.next());
  auto none = connection_->run("SELECT cardinality($1) AS count", std::vector<std::int64_t>());
  ASSERT_TRUE(none.next());
  EXPECT_EQ(none.integer("count"), 0);
}

TEST_F(ConnectionTest, AfterAFailureNothingIsDone) {
  connection_->execute("CREATE TEMPORARY TABLE t (one bigint PRIMARY KEY); INSERT INTO t VALUES (1)");
  connection_->run("INSERT INTO t VALUES ($1)", 1);
  EXPECT_TRUE(connection_->failed());
  connection_->run("INSERT INTO t VALUES ($1)", 2);
  const auto failure = connection_->take_failure();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->error.code, Errc::internal);
  EXPECT_NE(failure->error.message.find("23505"), std::string::npos) << failure->error.message;
  EXPECT_EQ(failure->error.message.find("(1)"), std::string::npos) << "values stay out of messages";
  EXPECT_FALSE(failure->again);
  EXPECT_EQ(connection_->execute("SELECT count(*) FROM t"), "1");
}

TEST_F(ConnectionTest, ALostConnectionIsNoticed) {
  const auto process = connection_->execute("SELECT pg_backend_pid()");
  connect()->execute("SELECT pg_terminate_backend(" + *process + ")");
  connection_->run("SELECT 1 AS one");
  EXPECT_TRUE(connection_->is_lost());
  const auto failure = connection_->take_failure();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->error.code, Errc::store_failed);
  EXPECT_TRUE(failure->again);
}

// The primary hangs, and its standby becomes the primary. What waits for the old one would wait for long.
TEST(Failover, AConnectionIsLostAsSoonAsAnotherServerIsFound) {
  StartedServer primary({"-cfsync=off"});
  StartedServer standby(StartedServer::StandbyOf{primary});
  PgPool pool(Secret(fmt::format("postgresql:///postgres?host={},{}&user=vodlift", standby.folder(), primary.folder())),
              4);
  auto waiting = pool.borrow();
  ASSERT_TRUE(waiting) << waiting.error().for_operator();
  (*waiting)->set_patience(std::chrono::minutes(10));
  const auto process = std::stoi((*waiting)->execute("SELECT pg_backend_pid()").value_or("0"));
  ASSERT_GT(process, 0);
  ::kill(process, SIGSTOP);
  primary.send(SIGSTOP);
  auto unanswered = std::async(std::launch::async, [&] { (*waiting)->execute("SELECT 1"); });
  standby.promote();
  auto found = pool.open_apart();
  for (int tries = 0; !found && tries < 100; ++tries) found = pool.open_apart();
  if (found) unanswered.wait();
  primary.send(SIGCONT);
  ::kill(process, SIGCONT);
  ASSERT_TRUE(found) << found.error().for_operator();
  EXPECT_FALSE((*found)->is_lost());
  EXPECT_EQ((*found)->execute("SELECT pg_is_in_recovery()"), "f");
  EXPECT_TRUE((*waiting)->is_lost());
  const auto failure = (*waiting)->take_failure();
  ASSERT_TRUE(failure);
  EXPECT_TRUE(failure->again);
  EXPECT_EQ(failure->error.detail, "another server takes changes now");
}

TEST_F(ConnectionTest, EverySessionHasItsLimits) {
  EXPECT_EQ(connection_->execute("SHOW statement_timeout"), "10s");
  EXPECT_EQ(connection_->execute("SHOW lock_timeout"), "5s");
  EXPECT_EQ(connection_->execute("SHOW idle_in_transaction_session_timeout"), "15s");
}

TEST_F(ConnectionTest, AFailedTransactionIsNotCommitted) {
  connection_->execute("BEGIN");
  connection_->execute("SELECT 1/0");
  EXPECT_TRUE(connection_->take_failure());
  EXPECT_EQ(connection_->commit(), Committed::no);
  EXPECT_TRUE(connection_->take_failure());
}

TEST_F(ConnectionTest, WhatIsSentWithACommitIsCommittedWithIt) {
  connection_->execute("CREATE TEMP TABLE numbers (n bigint CHECK (n > 0))");
  connection_->execute("BEGIN");
  EXPECT_EQ(
      connection_->commit({PgCall("INSERT INTO numbers VALUES ($1)", 1), PgCall("INSERT INTO numbers VALUES ($1)", 2)}),
      Committed::yes);
  EXPECT_EQ(connection_->execute("SELECT sum(n) FROM numbers"), "3");
}

TEST_F(ConnectionTest, OneFailureAmongWhatIsSentWithACommitUndoesAll) {
  connection_->execute("CREATE TEMP TABLE numbers (n bigint CHECK (n > 0))");
  connection_->execute("BEGIN");
  connection_->execute("INSERT INTO numbers VALUES (1)");
  EXPECT_EQ(
      connection_->commit({PgCall("INSERT INTO numbers VALUES ($1)", 2), PgCall("INSERT INTO numbers VALUES ($1)", -1),
                           PgCall("INSERT INTO numbers VALUES ($1)", 3)}),
      Committed::no);
  const auto failure = connection_->take_failure();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->error.code, Errc::internal);
  connection_->roll_back();
  EXPECT_EQ(connection_->execute("SELECT count(*) FROM numbers"), "0");
  EXPECT_FALSE(connection_->failed());
}

TEST(ConnectionErrors, DoNotTellThePassword) {
  for (const char* url : {"postgresql://me:geheim@127.0.0.1:1/db", "postgresql://me:geheim@127.0.0.1:1/db?no=1",
                          "postgresql://me:geheim@[/db", "geheim"}) {
    const auto failed = PgConnection::open(Secret(url));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().for_operator().find("geheim"), std::string::npos) << failed.error().for_operator();
  }
  EXPECT_EQ(shown_url(Secret("postgresql://me:geheim@db1:5433/films?sslmode=require")),
            "postgresql://me@db1:5433/films");
  EXPECT_EQ(shown_url(Secret("postgresql://me@db1,db2/films")), "postgresql://me@db1,db2/films");
}

TEST_F(ConnectionTest, AServerThatMayLoseCommitsIsRefused) {
  const auto refused = check_server(*connection_, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::config_invalid);
  EXPECT_NE(refused.error().message.find("fsync = off"), std::string::npos) << refused.error().message;
  EXPECT_TRUE(check_server(*connection_, true));
}

TEST(Encryption, IsNeededToOtherMachines) {
  for (const char* url : {"postgresql:///db?host=/run/postgresql", "postgresql://127.0.0.1/db",
                          "postgresql://localhost/db", "postgresql://db1/db?sslmode=verify-full", "postgresql:///db"}) {
    EXPECT_TRUE(check_encryption(Secret(url), false)) << url;
  }
  for (const char* url : {"postgresql://db1/db", "postgresql://db1/db?sslmode=require", "postgresql://localhost,db2/db",
                          "postgresql://10.0.0.1/db?sslmode=verify-ca", "postgresql:///db?hostaddr=10.0.0.1",
                          "postgresql:///db?service=films"}) {
    EXPECT_FALSE(check_encryption(Secret(url), false)) << url;
    EXPECT_TRUE(check_encryption(Secret(url), true)) << url;
  }
}

}  // namespace
}  // namespace vodlift::postgres
