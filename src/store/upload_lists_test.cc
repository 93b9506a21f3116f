#include "store/upload_lists.h"

#include <sqlite3.h>

#include <future>

#include "store/sqlite_statements.h"
#include "store/sqlite_upload_store.h"
#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

constexpr int kHistory = 20000;

// Rows of one account: `count` in films/, and one in rare/ before each of `rare_at`.
class UploadListsTest : public StoreTest {
 protected:
  void SetUp() override {
    database_ = open().value();
    connection_ = SqliteConnection::open(path_, SqliteConnection::Access::read_write).value();
  }

  void fill(int count, const std::string& folder, const std::string& bucket = "my_bucket") {
    ASSERT_TRUE(connection_->execute(
        "INSERT INTO uploads (account, key_id, priority, path, destination_path, bucket, acl, metadata, callback, "
        "token, size, next_attempt_ms, created_ms) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < " +
        std::to_string(count) + ") SELECT 158, 1, 5, 'sestore4/jb/" + folder + "/' || i, '" + folder + "' || i, '" +
        bucket + "', 'private', '{}', '', 't', 1, 0, 0 FROM n"));
    count_again();
  }

  void count_again() {
    ASSERT_TRUE(connection_->prepare(sql::kForgetCounts).run());
    ASSERT_TRUE(connection_->prepare(sql::kCountAgain).run());
  }

  // The list, and how many steps SQLite took for it.
  std::pair<std::vector<UploadId>, std::int64_t> list(const UploadQuery& query) {
    steps_ = 0;
    sqlite3_progress_handler(
        connection_->handle(), 1,
        [](void* steps) {
          ++*static_cast<std::int64_t*>(steps);
          return 0;
        },
        &steps_);
    EXPECT_TRUE(connection_->execute("BEGIN"));
    auto found = lists_.newest(*connection_, 158, query);
    EXPECT_TRUE(connection_->execute("COMMIT"));
    sqlite3_progress_handler(connection_->handle(), 0, nullptr, nullptr);
    return {found, steps_};
  }

  static UploadQuery within(const std::string& folder) {
    UploadQuery query;
    query.scope.path_prefix = "sestore4/jb/" + folder;
    return query;
  }

  std::unique_ptr<SqliteDatabase> database_;
  std::unique_ptr<SqliteConnection> connection_;
  UploadLists lists_;
  std::int64_t steps_ = 0;
};

TEST_F(UploadListsTest, AListOfFewAmongManyLooksAtEachRowOnce) {
  fill(3, "rare");
  fill(kHistory, "films");
  const auto [first, cost_of_first] = list(within("rare"));
  EXPECT_EQ(first, (std::vector<UploadId>{3, 2, 1}));
  EXPECT_GT(cost_of_first, kHistory);
  for (const auto& [folder, ids] : {std::pair("rare", 3U), std::pair("none", 0U), std::pair("films", 25U)}) {
    list(within(folder));
    const auto [found, cost] = list(within(folder));
    EXPECT_EQ(found.size(), ids);
    EXPECT_LT(cost, 500) << folder;
  }
}

TEST_F(UploadListsTest, WhatIsNewIsFound) {
  fill(3, "rare");
  fill(kHistory, "films");
  list(within("rare"));
  fill(2, "rare");
  fill(100, "films");
  const auto [found, cost] = list(within("rare"));
  EXPECT_EQ(found, (std::vector<UploadId>{kHistory + 5, kHistory + 4, 3, 2, 1}));
  EXPECT_LT(cost, 10000);
}

TEST_F(UploadListsTest, BucketsOffsetsAndStates) {
  fill(3, "a", "one");
  fill(kHistory, "b", "two");
  fill(3, "c", "one");
  ASSERT_TRUE(connection_->execute("UPDATE uploads SET state = 'paused' WHERE id IN (2, 7)"));
  count_again();
  UploadQuery query;
  query.scope.buckets = {"one", "three"};
  list(query);
  query.limit = 2;
  query.offset = 3;
  EXPECT_EQ(list(query).first, (std::vector<UploadId>{3, 2}));
  query.offset = 6;
  EXPECT_EQ(list(query).first, std::vector<UploadId>{});
  query.offset = 0;
  query.states = {UploadState::paused};
  EXPECT_EQ(list(query).first, (std::vector<UploadId>{2})) << "few in that state";
  query.states = {UploadState::queued};
  query.limit = 100;
  const auto [found, cost] = list(query);
  EXPECT_EQ(found, (std::vector<UploadId>{kHistory + 6, kHistory + 5, kHistory + 4, 3, 1}));
  EXPECT_LT(cost, 1000) << "few in the scope";
}

TEST_F(UploadListsTest, ALargeOffsetStepsOverNothing) {
  fill(kHistory, "films");
  UploadQuery query;
  query.offset = kHistory - 10;
  list(query);
  const auto [found, cost] = list(query);
  EXPECT_EQ(found, (std::vector<UploadId>{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}));
  EXPECT_LT(cost, 500);
}

TEST_F(UploadListsTest, MoreListsThanAreKeptAreStillRight) {
  fill(3, "rare");
  for (std::size_t i = 0; i < UploadLists::kMostLists + 10; ++i) {
    EXPECT_TRUE(list(within("none" + std::to_string(i))).first.empty());
  }
  EXPECT_EQ(list(within("rare")).first, (std::vector<UploadId>{3, 2, 1}));
}

}  // namespace
}  // namespace vodlift::store
