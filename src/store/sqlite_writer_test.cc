#include "store/sqlite_writer.h"

#include <atomic>
#include <latch>
#include <map>

#include "base/no_memory_test.h"
#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

using Change = std::function<Result<>(SqliteConnection&)>;

class Posted final : public WriteOperation {
 public:
  Posted(Change change, std::function<void(Result<>)> done, bool patient = false)
      : change_(std::move(change)), done_(std::move(done)), patient_(patient) {}
  Result<> run(SqliteConnection& connection) override { return change_(connection); }
  void done(Result<> outcome) override { done_(std::move(outcome)); }
  [[nodiscard]] bool patient() const override { return patient_; }

 private:
  const Change change_;
  const std::function<void(Result<>)> done_;
  const bool patient_;
};

class Writer : public StoreTest {
 protected:
  void open_database(SqliteWriter::Limits limits = {}) {
    database_ = open(limits).value();
    ASSERT_TRUE(database_->write([](SqliteConnection& connection) -> Result<> {
      connection.execute("CREATE TABLE t (a INTEGER UNIQUE)");
      return {};
    }));
  }

  Change add(int value) {
    return [this, value](SqliteConnection& connection) -> Result<> {
      // The log grows at a commit only, so this names the transaction.
      ++in_transaction_[connection.wal_pages()];
      connection.prepare("INSERT INTO t (a) VALUES (?1)").bind(value).run();
      return {};
    };
  }

  std::string count() {
    return database_
        ->read([](SqliteConnection& connection) -> Result<std::string> {
          return connection.query("SELECT count(*) FROM t").value_or("?");
        })
        .value();
  }

  // Posts the changes so that all of them wait while the writer is held up; answers their outcomes, in order.
  std::vector<Result<>> together(const std::vector<Change>& changes) {
    std::latch go(1);
    std::latch ended(std::ssize(changes));
    std::vector<Result<>> outcomes(changes.size());
    const Change hold = [&](SqliteConnection&) -> Result<> {
      go.wait();
      return {};
    };
    database_->post(std::make_unique<Posted>(hold, [](const Result<>&) {}));
    for (std::size_t i = 0; i < changes.size(); ++i) {
      database_->post(std::make_unique<Posted>(changes[i], [&, i](Result<> outcome) {
        outcomes[i] = std::move(outcome);
        ended.count_down();
      }));
    }
    go.count_down();
    ended.wait();
    return outcomes;
  }

  std::map<int, int> in_transaction_;  // for each transaction, how many of the changes that add() made
  std::unique_ptr<SqliteDatabase> database_;
};

TEST_F(Writer, WhatWaitsGoesIntoOneCommit) {
  open_database();
  std::vector<Change> changes;
  for (int i = 0; i < 300; ++i) changes.push_back(add(i));
  for (const auto& outcome : together(changes)) EXPECT_TRUE(outcome);
  EXPECT_LE(in_transaction_.size(), 2) << "some may have come before the writer was held up";
  EXPECT_EQ(count(), "300");
}

TEST_F(Writer, PatientChangesWaitForCompanyButNotForLong) {
  open_database();
  std::latch ended(20);
  for (int i = 0; i < 20; ++i) {
    database_->post(std::make_unique<Posted>(
        add(i), [&](const Result<>&) { ended.count_down(); }, /*patient=*/true));
  }
  ended.wait();
  // One, where this thread is not held up for longer than they wait.
  EXPECT_LT(in_transaction_.size(), 20);
}

TEST_F(Writer, WhoIsNotPatientTakesThePatientAlong) {
  open_database();
  std::atomic<bool> ended = false;
  database_->post(std::make_unique<Posted>(
      add(1), [&](const Result<>&) { ended = true; }, /*patient=*/true));
  ASSERT_TRUE(database_->write(add(2)));
  EXPECT_EQ(count(), "2");
  database_->drain();
  EXPECT_TRUE(ended);
}

TEST_F(Writer, NoTransactionIsLargerThanTheLimit) {
  open_database({.queue = 1000, .batch = 10});
  std::vector<Change> changes;
  for (int i = 0; i < 100; ++i) changes.push_back(add(i));
  together(changes);
  for (const auto& [transaction, size] : in_transaction_) EXPECT_LE(size, 10);
}

TEST_F(Writer, OneThatFailsHurtsNobodyElse) {
  open_database();
  const auto outcomes = together({add(1), add(2), add(1), add(3)});
  EXPECT_TRUE(outcomes[0]);
  EXPECT_TRUE(outcomes[1]);
  ASSERT_FALSE(outcomes[2]);
  EXPECT_EQ(outcomes[2].error().code, Errc::internal);
  EXPECT_TRUE(outcomes[3]);
  EXPECT_EQ(count(), "3");
}

TEST_F(Writer, AnErrorUndoesWhatItsOperationDid) {
  open_database();
  const Change half_done = [](SqliteConnection& connection) -> Result<> {
    connection.execute("INSERT INTO t VALUES (77)");
    return Error{Errc::lease_lost, "too late"};
  };
  const Change refused = [](SqliteConnection&) -> Result<> { return Error{Errc::not_found, "nothing there"}; };
  const auto outcomes = together({add(1), half_done, refused, add(2)});
  EXPECT_TRUE(outcomes[0]);
  EXPECT_EQ(outcomes[1].error().code, Errc::lease_lost);
  EXPECT_EQ(outcomes[2].error().code, Errc::not_found);
  EXPECT_TRUE(outcomes[3]);
  EXPECT_EQ(count(), "2");
}

TEST_F(Writer, AnExceptionIsAnErrorOfItsOperation) {
  open_database();
  const Change broken = [](SqliteConnection& connection) -> Result<> {
    connection.execute("INSERT INTO t VALUES (77)");
    throw std::runtime_error("broken");
  };
  const auto outcomes = together({add(1), broken, add(2)});
  EXPECT_TRUE(outcomes[0]);
  ASSERT_FALSE(outcomes[1]);
  EXPECT_EQ(outcomes[1].error().code, Errc::internal);
  EXPECT_TRUE(outcomes[2]);
  EXPECT_EQ(count(), "2");
}

TEST_F(Writer, AFullQueueRefusesAtOnceAndLetsWaitersWait) {
  open_database({.queue = 4, .batch = 2});
  std::latch go(1);
  std::latch holding(1);
  database_->post(std::make_unique<Posted>(
      [&](SqliteConnection&) -> Result<> {
        holding.count_down();
        go.wait();
        return {};
      },
      [](const Result<>&) {}));
  holding.wait();
  std::atomic<int> good = 0;
  std::atomic<int> overloaded = 0;
  for (int i = 0; i < 10; ++i) {
    database_->post(std::make_unique<Posted>(add(i), [&](const Result<>& outcome) {
      if (outcome) ++good;
      if (!outcome && outcome.error().code == Errc::overloaded) ++overloaded;
    }));
  }
  EXPECT_EQ(overloaded, 6) << "answered here and now";
  std::thread waiter([&] { EXPECT_TRUE(database_->write(add(100))); });
  go.count_down();
  waiter.join();
  database_->drain();
  EXPECT_EQ(good, 4);
  EXPECT_EQ(count(), "5");
}

TEST_F(Writer, ClosingCarriesOutWhatIsQueued) {
  open_database();
  std::atomic<int> good = 0;
  for (int i = 0; i < 1000; ++i) {
    database_->post(std::make_unique<Posted>(add(i), [&](const Result<>& outcome) { good += outcome ? 1 : 0; }));
  }
  database_.reset();
  EXPECT_EQ(good, 1000);
  database_ = open().value();
  EXPECT_EQ(count(), "1000");
}

TEST_F(Writer, TheLogStaysBounded) {
  open_database();
  const std::string filler(3000, 'x');
  ASSERT_TRUE(database_->write([](SqliteConnection& connection) -> Result<> {
    connection.execute("CREATE TABLE big (b TEXT)");
    return {};
  }));
  // 240 MiB of changed pages, with a reader looking in between.
  for (int round = 0; round < 30; ++round) {
    ASSERT_TRUE(database_->write([&](SqliteConnection& connection) -> Result<> {
      connection.execute("DELETE FROM big");
      for (int i = 0; i < 2000; ++i) connection.prepare("INSERT INTO big VALUES (?1)").bind(filler).run();
      return {};
    }));
    EXPECT_EQ(count(), "0");
  }
  auto log = path_;
  log += "-wal";
  EXPECT_LT(std::filesystem::file_size(log), std::uintmax_t{100} * 1024 * 1024);
}

TEST_F(Writer, GoesOnWhereMemoryEndsAsAChangeIsQueued) {
  open_database();
  const Change nothing = [](SqliteConnection&) -> Result<> { return {}; };
  where_memory_ends(
      [&] {
        // The queue's memory comes in pieces for 64.
        for (int i = 0; i < 70; ++i) database_->post(std::make_unique<Posted>(nothing, [](const Result<>&) {}));
      },
      [&] { EXPECT_TRUE(database_->write(nothing)); });
}

}  // namespace
}  // namespace vodlift::store
