// What SQLite alone must do with accounts; tests/conformance has the rest.
#include "store/sqlite_account_repository.h"

#include "core/account_directory.h"
#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

class SqliteAccounts : public StoreTest {
 protected:
  static Seal seal(char byte = 'k') { return Seal(Secret(std::string(Seal::kKeyBytes, byte))); }

  void fill() {
    const auto database = open().value();
    const auto rows = SqliteAccountRepository::open(*database, feed_, seal()).value();
    AccountDirectory accounts(*rows);
    const WallTime now = clock_.now();
    ASSERT_TRUE(accounts.add_account({158, "jb", Secret("whsec_SECRET-A"), now}));
    ASSERT_TRUE(accounts.add_key({0, 158, "KEY1", Secret("SECRET-B"), now, std::nullopt}));
    ASSERT_TRUE(accounts.add_key({0, 158, "KEY2", Secret("SECRET-C"), now, std::nullopt}));
    ASSERT_TRUE(accounts.change_key(
        "KEY2", [now](ApiKey& key) { return rotate(key, Secret("SECRET-E"), now, std::chrono::hours(1)); }));
    ASSERT_TRUE(
        accounts.put_bucket({158, "b", "http://h", "r", "AKIA", Secret("SECRET-D"), false, AclPolicy::fail, now}));
  }
};

TEST_F(SqliteAccounts, SecretsNeverReachTheDiskInClear) {
  fill();
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    EXPECT_EQ(bytes_in(entry.path()).find("SECRET-"), std::string::npos) << entry.path();
  }
  EXPECT_NE(bytes_in(path_).find("KEY1"), std::string::npos) << "this looks into the right file";
}

TEST_F(SqliteAccounts, TellsWhetherAnythingIsSealed) {
  const auto database = open().value();
  EXPECT_FALSE(SqliteAccountRepository::holds_secrets(*database).value());
  ASSERT_TRUE(SqliteAccountRepository::open(*database, feed_, seal()));
  EXPECT_TRUE(SqliteAccountRepository::holds_secrets(*database).value());
}

TEST_F(SqliteAccounts, AWrongMasterKeyIsRefusedAtOnce) {
  { ASSERT_TRUE(SqliteAccountRepository::open(*open().value(), feed_, seal())); }
  const auto database = open().value();
  const auto refused = SqliteAccountRepository::open(*database, feed_, seal('x'));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::seal_broken);
  EXPECT_NE(refused.error().message.find("another master key"), std::string::npos);
  EXPECT_TRUE(SqliteAccountRepository::open(*database, feed_, seal())) << "nothing was changed";
}

TEST_F(SqliteAccounts, ASecretMovedToAnotherRowIsRefused) {
  fill();
  const auto database = open().value();
  ASSERT_TRUE(database->write([](SqliteConnection& connection) -> Result<> {
    connection.execute(
        "UPDATE api_keys SET secret = (SELECT secret FROM api_keys WHERE api_key = 'KEY1') WHERE api_key = 'KEY2'");
    return {};
  }));
  const auto refused = SqliteAccountRepository::open(*database, feed_, seal()).value()->load_since(0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::seal_broken);
  EXPECT_NE(refused.error().message.find("KEY2"), std::string::npos);
}

}  // namespace
}  // namespace vodlift::store
