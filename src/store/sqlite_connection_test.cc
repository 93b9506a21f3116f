#include "store/sqlite_connection.h"

#include "base/file.h"
#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

class Connection : public StoreTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(create_private_file(path_, {}));
    connection_ = SqliteConnection::open(path_, SqliteConnection::Access::read_write).value();
    ASSERT_TRUE(connection_->execute("CREATE TABLE t (a INTEGER CHECK (a < 100), b TEXT, c BLOB)"));
  }

  std::unique_ptr<SqliteConnection> connection_;
};

TEST_F(Connection, CarriesValuesExactly) {
  const std::string text("ü\0x", 4);
  const std::string bytes("\0\xff", 2);
  connection_->prepare("INSERT INTO t VALUES (?1, ?2, ?3)").bind(std::int64_t{-5}, text, Blob{bytes}).run();
  connection_->prepare("INSERT INTO t VALUES (?1, ?2, ?3)")
      .bind(std::optional<std::int64_t>(), std::string_view(), Blob{})
      .run();
  auto row = connection_->prepare("SELECT a, b, c, typeof(b) AS b_type, typeof(c) AS c_type FROM t ORDER BY rowid");
  ASSERT_TRUE(row.step());
  EXPECT_EQ(row.integer("a"), -5);
  EXPECT_EQ(row.text("b"), text);
  EXPECT_EQ(row.blob("c"), bytes);
  ASSERT_TRUE(row.step());
  EXPECT_TRUE(row.is_null("a"));
  EXPECT_EQ(row.optional_integer("a"), std::nullopt);
  EXPECT_EQ(row.text("b_type"), "text") << "an empty string is not NULL";
  EXPECT_EQ(row.text("c_type"), "blob");
  EXPECT_FALSE(row.step());
  EXPECT_FALSE(connection_->failed());
}

TEST_F(Connection, AfterAFailureNothingMoreHappens) {
  EXPECT_FALSE(connection_->prepare("INSERT INTO t (a) VALUES (?1)").bind(100).run());
  EXPECT_TRUE(connection_->failed());
  EXPECT_FALSE(connection_->prepare("INSERT INTO t (a) VALUES (?1)").bind(1).run());
  EXPECT_FALSE(connection_->execute("INSERT INTO t (a) VALUES (2)"));
  EXPECT_EQ(connection_->query("SELECT 1"), std::nullopt);
  const auto error = connection_->take_error();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Errc::internal) << "a violated constraint is our mistake";
  EXPECT_NE(error->message.find("CHECK"), std::string::npos);
  EXPECT_EQ(connection_->query("SELECT count(*) FROM t"), "0") << "and taking the error ends it";
}

TEST_F(Connection, BadStatementsAreFailuresToo) {
  EXPECT_FALSE(connection_->prepare("SELECT nonsense FROM t").bind(1).step());
  EXPECT_EQ(connection_->take_error()->code, Errc::store_failed);
}

TEST_F(Connection, ReadersCannotChangeAnything) {
  const auto reader = SqliteConnection::open(path_, SqliteConnection::Access::read_only).value();
  EXPECT_FALSE(reader->execute("INSERT INTO t (a) VALUES (2)"));
  EXPECT_EQ(reader->take_error()->code, Errc::store_failed);
}

TEST_F(Connection, AMissingFileIsNotMade) {
  const auto missing = SqliteConnection::open(directory_ / "absent", SqliteConnection::Access::read_write);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::store_failed);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "absent"));
}

}  // namespace
}  // namespace vodlift::store
