#include "store/log_check.h"

#include <latch>

#include "store/sqlite_upload_store.h"
#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

namespace fs = std::filesystem;

constexpr int kUploads = 20;
constexpr std::size_t kFrame = 4096 + 24;

// A database as kill -9 leaves it: its files are copied while it is open, and what happens to the copy is tried.
class LogCheck : public StoreTest {
 protected:
  LogCheck() {
    const auto database = open().value();
    fs::create_directory(left_);
    keep_in_log(*database, [&] {
      insert(*database, kUploads);
      for (const char* end : {"", "-wal", ".mark"}) fs::copy_file(path_.string() + end, left(end));
    });
  }

  // While `work` runs, a reader keeps what is written from being moved into the file.
  static void keep_in_log(SqliteDatabase& database, const std::function<void()>& work) {
    ASSERT_TRUE(database.read([&](SqliteConnection& connection) -> Result<> {
      connection.query("SELECT count(*) FROM uploads");
      work();
      return {};
    }));
  }

  std::string left(const char* end = "") const { return (left_ / "queue.db").string() + end; }

  // Answers the last id.
  UploadId insert(SqliteDatabase& database, int count) {
    SqliteUploadStore uploads(queue_over(database));
    UploadId last = 0;
    for (int i = 0; i < count; ++i) {
      std::latch answered(1);
      uploads.insert(new_upload(std::to_string(i)), [&](const Result<InsertOutcome>& outcome) {
        last = outcome.value().id;
        answered.count_down();
      });
      answered.wait();
    }
    return last;
  }

  Result<std::unique_ptr<SqliteDatabase>> open_left(bool accept_loss = false) { return open_at(left(), accept_loss); }

  Result<std::unique_ptr<SqliteDatabase>> open_at(const fs::path& path, bool accept_loss = false) {
    SqliteOptions options;
    options.path = path;
    options.accept_loss = accept_loss;
    return SqliteDatabase::open(options, clock_);
  }

  // How many uploads there are, and what the next id is.
  std::pair<int, UploadId> content() {
    const auto database = open_left();
    if (!database) throw std::runtime_error(database.error().message);
    const auto count = (*database)->read([](SqliteConnection& connection) -> Result<int> {
      return std::stoi(connection.query("SELECT count(*) FROM uploads").value_or("-1"));
    });
    return {count.value(), insert(**database, 1)};
  }

  void write(const char* end, const std::string& bytes) { std::ofstream(left(end), std::ios::binary) << bytes; }
  void flip(const char* end, std::size_t byte, int bit = 0) {
    std::string bytes = bytes_in(left(end));
    bytes.at(byte) = static_cast<char>(bytes.at(byte) ^ (1 << bit));
    write(end, bytes);
  }

  void expect_refused() {
    const std::string database = bytes_in(left());
    const std::string log = bytes_in(left("-wal"));
    const std::string mark = bytes_in(left(".mark"));
    const auto refused = open_left();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::store_corrupt) << refused.error().message;
    EXPECT_NE(refused.error().message.find("accept-loss"), std::string::npos) << refused.error().message;
    EXPECT_TRUE(bytes_in(left()) == database && bytes_in(left("-wal")) == log && bytes_in(left(".mark")) == mark);
  }

  // What the way out gives: a database that starts, and ids that nobody has.
  void expect_no_id_twice() {
    {
      const auto accepted = open_left(true);
      ASSERT_TRUE(accepted) << accepted.error().message;
    }
    const auto [count, next] = content();
    EXPECT_LT(count, kUploads);
    EXPECT_GT(next, kUploads);
  }

  const fs::path left_ = directory_ / "left";
};

TEST_F(LogCheck, AKillLosesNothingAndIdsGoOn) { EXPECT_EQ(content(), std::pair(kUploads, UploadId{kUploads + 1})); }

TEST_F(LogCheck, ABitAnywhereInTheLogIsFound) {
  const std::string good = bytes_in(left("-wal"));
  constexpr std::size_t kStep = 4999;  // no multiple of a frame: each try hits another place of its frame
  for (std::size_t at = 0; at < good.size(); at += kStep) {
    flip("-wal", at, static_cast<int>(at % 8));
    expect_refused();
    write("-wal", good);
  }
  flip("-wal", good.size() - 1);  // the last byte of the last commit
  expect_refused();
  expect_no_id_twice();
}

TEST_F(LogCheck, WithoutTheMarkDamageBeforeOtherCommitsIsFound) {
  fs::remove(left(".mark"));
  flip("-wal", 32 + 3 * kFrame + 100);
  expect_refused();
  expect_no_id_twice();
}

TEST_F(LogCheck, AnOverwrittenSectorPageAndEndAreFound) {
  const std::string good = bytes_in(left("-wal"));
  for (const std::size_t length : {std::size_t{16}, std::size_t{512}, std::size_t{4096}}) {
    std::string bytes = good;
    bytes.replace(good.size() / 3, length, std::string(length, '\xa5'));
    write("-wal", bytes);
    expect_refused();
    write("-wal", good.substr(0, good.size() - length));
    expect_refused();
  }
  write("-wal", good.substr(0, 31));
  expect_refused();
  write("-wal", "");
  expect_refused();
  fs::remove(left("-wal"));
  expect_refused();
  expect_no_id_twice();
}

TEST_F(LogCheck, ALogOfAnotherDatabaseIsRefused) {
  const auto other = directory_ / "other.db";
  {
    const auto database = open_at(other).value();
    keep_in_log(*database, [&] { insert(*database, kUploads); });
    fs::copy_file(other.string() + "-wal", left("-wal"), fs::copy_options::overwrite_existing);
  }
  expect_refused();
  expect_no_id_twice();
  // Beside a database that was closed there is no log.
  { ASSERT_TRUE(open_left()); }
  fs::copy_file(left("-wal.aside-1"), left("-wal"));
  expect_refused();
}

TEST_F(LogCheck, AnotherDatabaseInItsPlaceIsRefused) {
  const auto other = directory_ / "other.db";
  { ASSERT_TRUE(open_at(other)); }
  fs::remove(left("-wal"));
  fs::copy_file(other, left(), fs::copy_options::overwrite_existing);
  const auto refused = open_left(true);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find(".mark"), std::string::npos) << refused.error().message;
}

TEST_F(LogCheck, ATornLastTransactionIsNoDamage) {
  // What a power cut leaves of a commit that was under way, at every place where it may tear.
  const auto database = open().value();
  insert(*database, 1);
  const std::string before = bytes_in(path_.string() + "-wal");
  const std::string mark = bytes_in(path_.string() + ".mark");
  const std::string file = bytes_in(path_);
  const UploadId last = insert(*database, 1);
  const std::string after = bytes_in(path_.string() + "-wal");
  ASSERT_GT(after.size(), before.size() + 2 * kFrame);
  for (std::size_t torn = before.size(); torn < after.size(); torn += 512) {
    std::string bytes = after;
    bytes.replace(torn, std::min<std::size_t>(512, bytes.size() - torn),
                  std::min<std::size_t>(512, bytes.size() - torn), '\0');
    write("", file);
    write("-wal", bytes);
    write(".mark", mark);
    fs::remove(left("-shm"));
    const auto [count, next] = content();
    EXPECT_GE(count, kUploads) << torn;
    EXPECT_GE(next, last) << torn;
  }
}

TEST_F(LogCheck, ADatabasePutBackFromABackupGivesNoIdTwice) {
  { ASSERT_TRUE(open_left()); }
  const std::string backup = bytes_in(left());
  const UploadId last = content().second;
  write("", backup);
  EXPECT_GT(content().second, last);
}

TEST_F(LogCheck, AnotherProgramMayLookAndMoveTheLogIntoTheFile) {
  const auto look = [this](const std::string& sql) {
    const auto connection = SqliteConnection::open(left(), SqliteConnection::Access::read_write).value();
    ASSERT_TRUE(connection->execute(sql));
  };
  look("UPDATE uploads SET priority = 1");
  ASSERT_FALSE(fs::exists(left("-wal"))) << "its close has moved the log into the file";
  EXPECT_EQ(content(), std::pair(kUploads, UploadId{kUploads + 1}));
  look("UPDATE uploads SET priority = 2");  // after a clean stop
  EXPECT_EQ(content(), std::pair(kUploads + 1, UploadId{kUploads + 2}));
}

TEST_F(LogCheck, AMarkThatIsDamagedIsMadeAgain) {
  write(".mark", std::string(8192, 'x'));
  const auto [count, next] = content();
  EXPECT_EQ(count, kUploads);
  EXPECT_GT(next, kUploads);
  EXPECT_EQ(content(), std::pair(kUploads + 1, next + 1));
}

TEST_F(LogCheck, NeitherALogNorAMarkIsAFirstStart) {
  for (const char* end : {"-wal", ".mark"}) {
    const fs::path alone = directory_ / (std::string("alone") + end);
    fs::create_directory(alone);
    fs::copy_file(left(end), alone / (std::string("queue.db") + end));
    for (const bool empty : {false, true}) {
      if (empty) std::ofstream(alone / "queue.db");
      const auto refused = open_at(alone / "queue.db");
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, Errc::config_invalid);
      EXPECT_NE(refused.error().message.find("no first start"), std::string::npos) << refused.error().message;
      EXPECT_EQ(std::distance(fs::directory_iterator(alone), {}), empty ? 2 : 1) << "nothing was made";
    }
  }
}

}  // namespace
}  // namespace vodlift::store
