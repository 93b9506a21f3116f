// What is damaged after the start is found while the daemon runs, and an index is made again from its table.
#include "store/background_check.h"

#include <fmt/format.h>

#include <atomic>
#include <random>
#include <thread>

#include "store/sqlite_setup.h"
#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

using namespace std::chrono_literals;

constexpr int kUploads = 400;
constexpr std::size_t kPage = 4096;
constexpr CheckPace kHurried{.rows = 50, .rest = 0, .least_rest = 0ms, .first = 0ms, .between_rounds = 0ms};

constexpr std::string_view kFill = R"(
INSERT INTO accounts (cdn, user, webhook_secret, created_ms) VALUES (158, 'jb', x'00', 0), (159, 'ann', x'00', 0);
INSERT INTO buckets (cdn, bucket, endpoint, region, access_key, secret_key, path_style, acl_policy, created_ms)
  VALUES (158, 'films', 'e', 'r', 'a', x'00', 1, 'fail', 0), (159, 'films', 'e', 'r', 'a', x'00', 1, 'fail', 0);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {0})
INSERT INTO uploads (account, key_id, state, priority, path, destination_path, bucket, acl, metadata, callback, token, size,
                     next_attempt_ms, delayed, waiting_on, suspect, fence, attempts, started_ms, lease_until_ms, owner,
                     owner_term, finished_ms, error_code, error_message, error_retryable, created_ms)
  SELECT 158 + i % 2, 0, iif(i % 7 = 1, 'uploading', iif(i % 7 = 2, 'failed', 'queued')), i % 10, 'sestore4/jb/film',
         'films/' || i / 3, 'films', 'private', '{{}}', '', 't', i * 1000, i / 5, i % 7 = 3, iif(i % 7 = 4, i - 1, NULL),
         i % 7 = 5, i % 7 IN (1, 2), i % 7 IN (1, 2), iif(i % 7 IN (1, 2), 1, NULL), iif(i % 7 = 1, i, NULL),
         iif(i % 7 = 1, 1, NULL), iif(i % 7 = 1, 1, NULL), iif(i % 7 = 2, i, NULL), iif(i % 7 = 2, 'network', NULL),
         iif(i % 7 = 2, 'm', NULL), iif(i % 7 = 2, 1, NULL), 0 FROM n;
INSERT INTO callbacks (upload_id, account, receiver, webhook_id, url, body, next_attempt_ms, delayed, created_ms)
  SELECT id, account, 'host-' || id % 5, 'w', 'https://example.com/', 'body', id, id % 2, 0 FROM uploads;
INSERT INTO callback_attempts SELECT id, 1, 0, 1, 500, 'error' FROM callbacks;
INSERT INTO signed_requests SELECT id, 1, randomblob(32), id FROM uploads;
INSERT INTO multipart_ledger (upload_id, account, endpoint, bucket, object_key, first_ms, last_ms, left_ms, next_attempt_ms)
  SELECT id, account, 'e', 'films', destination_path, 0, 0, iif(id % 2, 1, NULL), iif(id % 2, id, NULL) FROM uploads;
REINDEX)";

class BackgroundCheckTest : public StoreTest {
 protected:
  // A closed file with something in each table and index that has many rows. All of it is in the file.
  void SetUp() override {
    const auto database = open().value();
    const auto filled = database->write([&](SqliteConnection& connection) -> Result<> {
      connection.execute(fmt::format(fmt::runtime(kFill), kUploads));
      database->upload_counts().count_again(connection);
      return {};
    });
    ASSERT_TRUE(filled) << filled.error().message;
  }

  std::string query(const std::string& sql) {
    const auto connection = SqliteConnection::open(path_, SqliteConnection::Access::read_only).value();
    connection->set_checkpoint_on_close(false);
    connection->execute("PRAGMA ignore_check_constraints = ON");
    auto answer = connection->query(sql);
    return answer ? *answer : connection->take_error()->message;
  }

  // The pages of the tree `name` that hold its entries or rows; by `name` LIKE.
  std::vector<std::size_t> leaves_of(const std::string& name) {
    std::vector<std::size_t> pages;
    const auto connection = SqliteConnection::open(path_, SqliteConnection::Access::read_only).value();
    auto row = connection->prepare("SELECT pageno FROM dbstat WHERE name LIKE ?1 AND pagetype = 'leaf' AND ncell > 0");
    row.bind(name);
    while (row.step()) pages.push_back(static_cast<std::size_t>(row.integer("pageno")));
    EXPECT_FALSE(pages.empty());
    return pages;
  }

  void flip(std::size_t at, int bit) {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const auto byte = static_cast<char>(file.get() ^ (1 << bit));
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
  }

  // Where the cells of a leaf begin.
  std::size_t cells_of(std::size_t page) {
    const std::string bytes = bytes_in(path_).substr((page - 1) * kPage, kPage);
    return (static_cast<std::size_t>(static_cast<unsigned char>(bytes[5])) << 8U) +
           static_cast<unsigned char>(bytes[6]);
  }

  // Whether any walk over the closed file finds something.
  bool walks_find_something() {
    const auto connection = SqliteConnection::open(path_, SqliteConnection::Access::read_only).value();
    connection->set_checkpoint_on_close(false);
    connection->execute("PRAGMA cell_size_check = ON");
    bool found = false;
    for (const Walk& walk : walks_of(*connection)) {
      auto row = connection->prepare(walk.statement("", 1'000'000));
      while (row.step()) found = found || row.integer("sound") == 0;
      found = connection->take_error() || found;
    }
    return found;
  }

  void expect_seek(const std::string& statement) {
    const auto connection = SqliteConnection::open(path_, SqliteConnection::Access::read_only).value();
    std::string plan;
    for (auto row = connection->prepare("EXPLAIN QUERY PLAN " + statement); row.step();) {
      plan += row.text("detail") + "\n";
    }
    EXPECT_TRUE(plan.starts_with("SEARCH")) << statement << "\n" << plan;
    EXPECT_EQ(plan.find("TEMP B-TREE"), std::string::npos) << statement << "\n" << plan;
    EXPECT_EQ(plan.find("SCAN"), std::string::npos) << statement << "\n" << plan;
  }
};

TEST_F(BackgroundCheckTest, FindsNothingInASoundFile) {
  const auto database = open().value();
  EXPECT_EQ(BackgroundCheck(*database, path_, kHurried).round(), (CheckFindings{0, 0}));
}

// What the whole of a walk sees, its slices see too, and each finds its begin without sorting.
TEST_F(BackgroundCheckTest, SlicesLeaveNothingOut) {
  const auto opened = SqliteConnection::open(path_, SqliteConnection::Access::read_only).value();
  SqliteConnection& connection = *opened;
  int indexes = 0;
  for (const Walk& walk : walks_of(connection)) {
    std::int64_t whole = 0;
    for (auto row = connection.prepare(walk.statement("", 1'000'000)); row.step();) ++whole;
    std::int64_t in_slices = 0;
    std::string after;
    for (bool more = true; more;) {
      const std::string statement = walk.statement(after, 3);
      if (in_slices == 3) expect_seek(statement);
      std::string last;
      int rows = 0;
      for (auto row = connection.prepare(statement); row.step(); ++in_slices) {
        if (++rows == 3) last = row.text("place");
      }
      more = !last.empty();
      after = last;
    }
    EXPECT_EQ(in_slices, whole) << walk.table << " " << walk.index << " " << walk.from;
    EXPECT_FALSE(connection.failed()) << walk.statement("", 3) << connection.take_error()->message;
    if (!walk.index.empty()) ++indexes;
  }
  EXPECT_EQ(std::to_string(indexes / 2), query("SELECT count(*) FROM sqlite_schema WHERE type = 'index'"));
}

// The start of a large file leaves the comparison of indexes to this check. Between them nothing is left out that
// integrity_check finds, and nothing sound is called damaged.
TEST_F(BackgroundCheckTest, StartAndCheckFindEachBitThatIntegrityCheckFinds) {
  const std::string good = bytes_in(path_);
  std::mt19937 chance(309);
  int by_start = 0;
  int by_check = 0;
  int by_neither = 0;
  for (const std::string name : {"%uploads%", "%callbacks%", "multipart_ledger%"}) {
    const auto pages = leaves_of(name);
    for (int bit = 0; bit < 40; ++bit) {
      const std::size_t page = pages[chance() % pages.size()];
      const std::size_t begin = cells_of(page);
      flip((page - 1) * kPage + begin + chance() % (kPage - begin), static_cast<int>(chance() % 8));
      const bool damaged = query("PRAGMA integrity_check(1)") != "ok";
      const bool start = query("PRAGMA quick_check(1)") != "ok";
      const bool check = walks_find_something();
      EXPECT_EQ(damaged, start || check) << name << " " << bit;
      by_start += start ? 1 : 0;
      by_check += check && !start ? 1 : 0;
      by_neither += !damaged ? 1 : 0;
      std::ofstream(path_, std::ios::binary) << good;
    }
  }
  RecordProperty("by_start", by_start);
  RecordProperty("by_check_only", by_check);
  RecordProperty("by_neither", by_neither);
  EXPECT_GT(by_check, by_start) << "most are found by this check alone";
}

TEST_F(BackgroundCheckTest, AnIndexThatIsDamagedAfterTheStartIsMadeAgain) {
  for (const std::string index : {"uploads_ready", "uploads_in_state", "callbacks_due", "sqlite_autoindex_callbacks_1",
                                  "multipart_ledger_at", "buckets_by_version"}) {
    const std::size_t page = leaves_of(index).front();
    const auto database = open().value();
    flip(page * kPage - 3, 4);  // of the first entry's last value, or the one before
    BackgroundCheck check(*database, path_, kHurried);
    testing::internal::CaptureStderr();
    EXPECT_EQ(check.round(), (CheckFindings{1, 0})) << index;
    const std::string told = testing::internal::GetCapturedStderr();
    EXPECT_NE(told.find("it was made again"), std::string::npos) << told;
    EXPECT_NE(told.find(index), std::string::npos) << told;
    EXPECT_EQ(check.round(), (CheckFindings{0, 0})) << index << " is told once";
    EXPECT_EQ(query("PRAGMA integrity_check"), "ok");
  }
}

TEST_F(BackgroundCheckTest, ATableThatIsDamagedIsToldInEachRoundAndItsIndexesAreLeft) {
  const std::size_t page = leaves_of("uploads").back();
  const auto database = open().value();
  flip((page - 1) * kPage, 2);  // the kind of the page
  BackgroundCheck check(*database, path_, kHurried);
  for (int round = 0; round < 2; ++round) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(check.lasting(), round) << "none was looked for at first";
    EXPECT_EQ(check.round(), (CheckFindings{0, 1}));
    EXPECT_EQ(check.lasting(), 1);
    const std::string told = testing::internal::GetCapturedStderr();
    EXPECT_NE(told.find("a table of the database is damaged"), std::string::npos) << told;
    EXPECT_NE(told.find("uploads"), std::string::npos) << told;
    EXPECT_NE(told.find("restore a backup"), std::string::npos) << told;
    EXPECT_EQ(told.find("made again"), std::string::npos) << told;
  }
}

TEST_F(BackgroundCheckTest, RowsThatChangeMeanwhileAreNoDamage) {
  const auto database = open().value();
  std::atomic<bool> over = false;
  std::thread busy([&] {
    for (int n = 1; !over; ++n) {
      const auto changed = database->write([n](SqliteConnection& connection) -> Result<> {
        connection.execute(
            fmt::format("UPDATE uploads SET priority = {0} % 10, next_attempt_ms = {0} WHERE id % 9 = {1};"
                        "UPDATE uploads SET delayed = 1 - delayed WHERE state = 'queued' AND id % 5 = {2};"
                        "DELETE FROM signed_requests WHERE upload_id % 11 = {3};"
                        "INSERT INTO signed_requests VALUES ({0} % 50, {0}, randomblob(32), {3});"
                        "UPDATE callbacks SET receiver = 'r{0}', delayed = 1 - delayed WHERE id % 7 = {4}",
                        n, n % 9, n % 5, n % 11, n % 7));
        return {};
      });
      ASSERT_TRUE(changed) << changed.error().message;
    }
  });
  BackgroundCheck check(*database, path_, kHurried);
  for (int round = 0; round < 5; ++round) EXPECT_EQ(check.round(), (CheckFindings{0, 0}));
  over = true;
  busy.join();
}

TEST_F(BackgroundCheckTest, CountsThatDoNotFitAreCountedAgain) {
  const std::string sums = "SELECT group_concat(account || state || uploads || ' ' || bytes) FROM upload_counts";
  const std::string right = query(sums);
  for (const std::string fault :
       {"UPDATE upload_counts SET uploads = uploads + 1 WHERE state = 'failed' AND account = 158",
        "DELETE FROM upload_counts WHERE state = 'queued'", "INSERT INTO upload_counts VALUES (7, 'paused', -1, 0)"}) {
    {
      const auto connection = SqliteConnection::open(path_, SqliteConnection::Access::read_write).value();
      ASSERT_TRUE(connection->execute(fault));
    }
    const auto database = open().value();
    BackgroundCheck check(*database, path_, kHurried);
    testing::internal::CaptureStderr();
    EXPECT_EQ(check.round(), (CheckFindings{1, 0})) << fault;
    EXPECT_NE(testing::internal::GetCapturedStderr().find("the counts of uploads did not fit"), std::string::npos);
    EXPECT_EQ(query(sums), right) << fault;
    EXPECT_EQ(check.round(), (CheckFindings{0, 0})) << fault;
  }
}

TEST_F(BackgroundCheckTest, TheThreadChecksAndStops) {
  const std::size_t page = leaves_of("uploads_in_state").front();
  const auto database = open().value();
  flip(page * kPage - 3, 4);
  BackgroundCheck check(*database, path_,
                        {.rows = 50, .rest = 0, .least_rest = 0ms, .first = 1ms, .between_rounds = 1h});
  check.start();
  const auto until = std::chrono::steady_clock::now() + 60s;
  while (query("PRAGMA integrity_check(1)") != "ok" && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(query("PRAGMA integrity_check"), "ok");
  check.stop();
}

}  // namespace
}  // namespace vodlift::store
