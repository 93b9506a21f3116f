#include "store/sqlite_upload_retention.h"

#include <gmock/gmock.h>

#include <latch>
#include <thread>

#include "base/await.h"
#include "store/sqlite_statistics.h"
#include "store/sqlite_work_queue.h"
#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

class SqliteUploadRetentionTest : public StoreTest {
 protected:
  void SetUp() override { reopen(); }
  void TearDown() override { close(); }

  void close() {
    retention_.reset();
    queue_.reset();
    uploads_.reset();
    database_.reset();
  }
  void reopen() {
    close();
    database_ = open().value();
    uploads_ = std::make_unique<SqliteUploadStore>(queue_over(*database_));
    queue_ = std::make_unique<SqliteWorkQueue>(queue_over(*database_));
    retention_ = std::make_unique<SqliteUploadRetention>(*database_, *uploads_);
  }

  // Uploads that have failed, each with an attempt on record.
  std::vector<UploadId> fail(int count) {
    std::vector<UploadId> ids;
    for (int i = 0; i < count; ++i) {
      NewUpload upload = new_upload(std::to_string(i));
      upload.request.callback = i % 2 == 0 ? "" : "http://www.example.com/done";
      ids.push_back(
          await<Result<InsertOutcome>>([&](auto done) { uploads_->insert(upload, std::move(done)); }).value().id);
    }
    UploadEnding ending;
    ending.state = UploadState::failed;
    ending.error = UploadError{Errc::s3_access_denied, std::string(500, 'x'), false};
    for (const ClaimedUpload& one : queue_->claim(ids, std::chrono::minutes(1)).value()) {
      EXPECT_TRUE(await<Result<>>([&](auto done) { queue_->finish(one.lease, ending, std::move(done)); }));
    }
    run("UPDATE callbacks SET state = 'failed', attempts = 1 WHERE state = 'pending'");
    run("INSERT INTO callback_attempts SELECT id, 1, 0, 0, 500, 'x' FROM callbacks WHERE true ON CONFLICT DO NOTHING");
    return ids;
  }

  void run(std::string_view statement) {
    EXPECT_TRUE(database_->write([&](SqliteConnection& connection) -> Result<> {
      connection.prepare(statement).run();
      return {};
    }));
  }
  std::int64_t number(std::string_view statement) {
    return database_
        ->read([&](SqliteConnection& connection) -> Result<std::int64_t> {
          return std::stoll(connection.query(statement).value_or("-1"));
        })
        .value();
  }

  std::unique_ptr<SqliteDatabase> database_;
  std::unique_ptr<SqliteUploadStore> uploads_;
  std::unique_ptr<SqliteWorkQueue> queue_;
  std::unique_ptr<SqliteUploadRetention> retention_;
};

TEST_F(SqliteUploadRetentionTest, NoRowOfAnUploadIsLeft) {
  const auto ids = fail(10);
  EXPECT_EQ(number("SELECT count(*) FROM callback_attempts"), 5);
  EXPECT_EQ(number("SELECT count(*) FROM upload_attempts"), 10);
  EXPECT_EQ(retention_->remove(ids).value(), 10);
  for (const char* table : {"uploads", "upload_attempts", "callbacks", "callback_attempts", "multiparts", "parts"}) {
    EXPECT_EQ(number("SELECT count(*) FROM " + std::string(table)), 0) << table;
  }
}

TEST_F(SqliteUploadRetentionTest, TheNewestIdIsNotGivenAgainAfterARestart) {
  const auto ids = fail(3);
  EXPECT_EQ(retention_->remove(ids).value(), 3);
  reopen();
  EXPECT_EQ(fail(1).at(0), ids.back() + 1);
}

// Pages of what was removed are used again; the file is not cut back.
TEST_F(SqliteUploadRetentionTest, TheFileDoesNotGrowWhereAsManyAreRemovedAsAreAdded) {
  constexpr int kUploads = 100;
  auto ids = fail(kUploads);
  const std::int64_t pages = number("PRAGMA page_count");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(retention_->remove(ids).value(), kUploads);
    EXPECT_GT(number("PRAGMA freelist_count"), pages / 4) << "more than half is the schema's";
    ids = fail(kUploads);
  }
  EXPECT_LE(number("PRAGMA page_count"), pages + pages / 10);
}

// The statistics see the counts as they are at their place in a transaction, not as they were before it.
TEST_F(SqliteUploadRetentionTest, StatisticsOfTheSameTransactionCountNoEndTwice) {
  SqliteStatistics statistics(*database_, clock_);
  const auto ids = fail(4);
  std::latch held(1);
  std::latch go(1);
  std::thread holder([&] {
    EXPECT_TRUE(database_->write([&](SqliteConnection&) -> Result<> {
      held.count_down();
      go.wait();
      return {};
    }));
  });
  held.wait();
  const auto wait_for = [&](std::int64_t changes) {
    while (database_->metrics().waiting.value() < changes) std::this_thread::yield();
  };
  std::thread remover([&] { EXPECT_EQ(retention_->remove({ids[0], ids[1], ids[2]}).value(), 3); });
  wait_for(1);
  std::thread counter([&] {
    Collected nothing;
    EXPECT_TRUE(statistics.add(nothing));
  });
  wait_for(2);
  go.count_down();
  for (std::thread* one : {&holder, &remover, &counter}) one->join();
  Collected nothing;
  EXPECT_TRUE(statistics.add(nothing));
  std::int64_t failed = 0;
  for (const StatisticsSlot& slot : statistics.series({158, Resolution::hour, {}}).value()) failed += slot.failed;
  EXPECT_EQ(failed, 4);
  EXPECT_EQ(number("SELECT uploads FROM upload_counts WHERE state = 'failed'"), 1);
}

}  // namespace
}  // namespace vodlift::store
