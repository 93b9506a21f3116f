#include "store/sqlite_database.h"

#include <unistd.h>

#include "base/file.h"
#include "store/sqlite_migrations.h"
#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

namespace fs = std::filesystem;

class Database : public StoreTest {
 protected:
  // Changes the closed file behind our back.
  void tamper(const std::string& sql) {
    const auto connection = SqliteConnection::open(path_, SqliteConnection::Access::read_write).value();
    ASSERT_TRUE(connection->execute(sql)) << connection->take_error()->message;
  }

  void expect_refused(Errc code, const std::string& word) {
    const auto refused = open();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, code) << refused.error().message;
    EXPECT_NE(refused.error().message.find(word), std::string::npos) << refused.error().message;
    EXPECT_NE(refused.error().message.find(path_.string()), std::string::npos) << refused.error().message;
  }

  std::string ask(SqliteDatabase& database, const std::string& sql) {
    return database
        .read([&](SqliteConnection& connection) -> Result<std::string> { return connection.query(sql).value_or("?"); })
        .value();
  }
};

TEST_F(Database, IsMadeForItsOwnerOnly) {
  const auto database = open();
  ASSERT_TRUE(database) << database.error().message;
  EXPECT_EQ(fs::status(path_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(ask(**database, "PRAGMA journal_mode"), "wal");
}

TEST_F(Database, AllMigrationsAreRecordedOnce) {
  for (int round = 0; round < 2; ++round) {
    const auto database = open().value();
    EXPECT_EQ(ask(*database, "SELECT count(*) FROM migrations"), std::to_string(sqlite_migrations().size()));
    EXPECT_EQ(ask(*database, "SELECT name FROM migrations WHERE number = 1"), "0001_schema");
  }
}

TEST_F(Database, ASecondOneIsRefusedWithTheHoldersNumber) {
  const auto first = open().value();
  expect_refused(Errc::locked, std::to_string(::getpid()));
  EXPECT_EQ(ask(*first, "SELECT count(*) FROM uploads"), "0") << "the first is not disturbed";
  ASSERT_TRUE(first->write([](SqliteConnection& connection) -> Result<> {
    connection.execute("CREATE TABLE t (a)");
    return {};
  }));
}

TEST_F(Database, AnotherNameOfTheSameFileIsRefused) {
  const auto first = open().value();
  const std::string real = path_.string();
  fs::create_symlink(real, real + ".symbolic");
  fs::create_hard_link(real, real + ".hard");
  for (const char* name : {".symbolic", ".hard"}) {
    path_ = real + name;
    expect_refused(Errc::locked, "another name");
  }
  path_ = real;
}

TEST_F(Database, IsFreeAgainAfterClosing) {
  { ASSERT_TRUE(open()); }
  EXPECT_TRUE(open());
  EXPECT_FALSE(fs::exists(path_.string() + "-wal")) << "closing empties the log into the file";
}

TEST_F(Database, ANewerSchemaIsRefusedUntouched) {
  { ASSERT_TRUE(open()); }
  tamper("INSERT INTO migrations VALUES (4711, '4711_future', 0)");
  const std::string before = bytes_in(path_);
  expect_refused(Errc::config_invalid, "newer");
  EXPECT_EQ(bytes_in(path_), before);
}

TEST_F(Database, AHistoryThatIsNotOursIsRefused) {
  { ASSERT_TRUE(open()); }
  tamper("UPDATE migrations SET name = '0001_other' WHERE number = 1");
  expect_refused(Errc::config_invalid, "0001_other");
}

TEST_F(Database, SomebodyElsesDatabaseIsRefusedUntouched) {
  ASSERT_TRUE(create_private_file(path_, {}));
  tamper("CREATE TABLE theirs (a)");
  const std::string before = bytes_in(path_);
  expect_refused(Errc::config_invalid, "not one of vodlift");
  EXPECT_EQ(bytes_in(path_), before);
}

TEST_F(Database, AFileThatIsNoDatabaseIsRefused) {
  ASSERT_TRUE(create_private_file(path_, std::string(10'000, 'x')));
  expect_refused(Errc::store_corrupt, "not a database");
}

TEST_F(Database, DamageIsFoundAtTheStart) {
  { ASSERT_TRUE(open()); }
  const auto pages = fs::file_size(path_) / 4096;
  ASSERT_GT(pages, 10U);
  const std::string good = bytes_in(path_);
  int found = 0;
  for (std::uintmax_t page = 1; page < pages; ++page) {
    {
      std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(page * 4096));
      file << std::string(64, '\xa5');
    }
    const auto refused = open();
    if (!refused) {
      EXPECT_EQ(refused.error().code, Errc::store_corrupt) << refused.error().message;
      EXPECT_NE(refused.error().message.find(path_.string()), std::string::npos);
      ++found;
    }
    std::ofstream(path_, std::ios::binary) << good;
    fs::remove(path_.string() + "-wal");
    fs::remove(path_.string() + "-shm");
  }
  EXPECT_EQ(found, static_cast<int>(pages) - 1) << "a page whose header is destroyed never passes";
}

TEST_F(Database, TheSchemasRulesHoldAfterTheCheckAtTheStart) {
  { ASSERT_TRUE(open()); }
  const auto database = open().value();
  const auto refused = database->write([](SqliteConnection& connection) -> Result<> {
    connection.execute("INSERT INTO seal_canary VALUES (2, x'00')");
    return {};
  });
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("CHECK"), std::string::npos) << refused.error().message;
}

TEST_F(Database, NeedsADirectoryThatExists) {
  path_ = directory_ / "absent" / "queue.db";
  expect_refused(Errc::config_invalid, "absent");
}

TEST_F(Database, ADirectoryIsNoDatabase) {
  fs::create_directory(path_);
  expect_refused(Errc::config_invalid, "regular file");
}

TEST_F(Database, ReadersCannotWrite) {
  const auto database = open().value();
  const auto refused = database->read([](SqliteConnection& connection) -> Result<> {
    connection.execute("INSERT INTO seal_canary VALUES (1, x'00')");
    return {};
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::store_failed);
  EXPECT_EQ(ask(*database, "SELECT count(*) FROM seal_canary"), "0") << "and the reader is of use again";
}

TEST_F(Database, AReadSeesOneState) {
  const auto database = open().value();
  const auto add = [](SqliteConnection& connection) -> Result<> {
    connection.execute(
        "INSERT INTO migrations VALUES (1000 + (SELECT count(*) FROM migrations), hex(randomblob(4)), 0)");
    return {};
  };
  const auto seen = database->read([&](SqliteConnection& connection) -> Result<bool> {
    const auto first = connection.query("SELECT count(*) FROM migrations");
    EXPECT_TRUE(database->write(add));
    return connection.query("SELECT count(*) FROM migrations") == first;
  });
  EXPECT_TRUE(seen.value());
}

}  // namespace
}  // namespace vodlift::store
