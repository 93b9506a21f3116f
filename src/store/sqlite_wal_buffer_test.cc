#include "store/sqlite_wal_buffer.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/file.h"
#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

// A file may grow to `bytes`, and no further, as long as this lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  sighandler_t handler_;
  rlimit before_{};
};

class WalBuffer : public StoreTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(create_private_file(path_, {}));
    writer_ = SqliteConnection::open(path_, SqliteConnection::Access::read_write).value();
    for (const auto* statement : {"PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 0",
                                  "PRAGMA synchronous = FULL", "CREATE TABLE t (bytes BLOB)"}) {
      ASSERT_TRUE(writer_->execute(statement));
    }
    reader_ = SqliteConnection::open(path_, SqliteConnection::Access::read_only).value();
  }

  // As many pages as rows, each in a row of its own.
  bool add(int rows) {
    return writer_->execute("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < " +
                            std::to_string(rows) + ") INSERT INTO t SELECT randomblob(3000) FROM n");
  }
  static std::optional<std::string> rows_of(SqliteConnection& connection) {
    return connection.query("SELECT count(*) FROM t");
  }
  std::int64_t log_bytes() const {
    return static_cast<std::int64_t>(std::filesystem::file_size(path_.string() + "-wal"));
  }
  // System calls that write, of this process.
  static std::int64_t writes() {
    std::ifstream counters("/proc/self/io");
    std::string name;
    std::int64_t value = 0;
    while (counters >> name >> value) {
      if (name == "syscw:") return value;
    }
    return -1;
  }

  std::unique_ptr<SqliteConnection> writer_;
  std::unique_ptr<SqliteConnection> reader_;
};

TEST_F(WalBuffer, ATransactionIsWrittenInFewPieces) {
  const std::int64_t before = writes();
  ASSERT_GE(before, 0);
  ASSERT_TRUE(add(200));
  EXPECT_LT(writes() - before, 15) << "SQLite alone takes two for each page";
  EXPECT_EQ(rows_of(*reader_), "200");
  EXPECT_EQ(reader_->query("PRAGMA integrity_check"), "ok");
}

TEST_F(WalBuffer, NothingOfATransactionIsInTheFileBeforeItEndsAndAllIsAfterwards) {
  const std::int64_t before = log_bytes();
  ASSERT_TRUE(writer_->execute("BEGIN IMMEDIATE"));
  ASSERT_TRUE(add(20));
  EXPECT_EQ(log_bytes(), before);
  EXPECT_EQ(rows_of(*reader_), "0");
  ASSERT_TRUE(writer_->execute("COMMIT"));
  EXPECT_GT(log_bytes(), before + 20 * 4096);
  EXPECT_EQ(rows_of(*reader_), "20");
}

TEST_F(WalBuffer, ATransactionLargerThanItsCacheAndTheBufferReadsWhatItWrote) {
  ASSERT_TRUE(writer_->execute("PRAGMA cache_size = 10"));
  ASSERT_TRUE(writer_->execute("BEGIN IMMEDIATE"));
  ASSERT_TRUE(add(2000));
  EXPECT_EQ(rows_of(*writer_), "2000");
  ASSERT_TRUE(writer_->execute("UPDATE t SET bytes = randomblob(3001)"));  // pages that are in the log already
  ASSERT_TRUE(writer_->execute("ROLLBACK"));
  EXPECT_EQ(rows_of(*writer_), "0");
  ASSERT_TRUE(writer_->execute("BEGIN IMMEDIATE"));
  ASSERT_TRUE(add(2000));
  ASSERT_TRUE(writer_->execute("UPDATE t SET bytes = randomblob(3001)"));
  ASSERT_TRUE(writer_->execute("COMMIT"));
  EXPECT_EQ(reader_->query("SELECT count(*) FROM t WHERE length(bytes) = 3001"), "2000");
  ASSERT_TRUE(writer_->checkpoint(true));
  ASSERT_TRUE(add(1)) << "the log begins anew";
  EXPECT_EQ(rows_of(*reader_), "2001");
  EXPECT_EQ(reader_->query("PRAGMA integrity_check"), "ok");
}

TEST_F(WalBuffer, WhatCannotBeWrittenIsAFailureAndNothingOfItStays) {
  ASSERT_TRUE(add(10));
  {
    const FileSizeLimit limit(static_cast<rlim_t>(log_bytes()) + 10000);
    EXPECT_FALSE(add(100));
  }
  EXPECT_EQ(writer_->take_error()->code, Errc::store_failed);
  EXPECT_FALSE(writer_->sync_failed()) << "nothing is unclear: it was never announced";
  EXPECT_EQ(rows_of(*writer_), "10");
  ASSERT_TRUE(add(5));
  EXPECT_EQ(rows_of(*reader_), "15");
  EXPECT_EQ(reader_->query("PRAGMA integrity_check"), "ok");
}

}  // namespace
}  // namespace vodlift::store
