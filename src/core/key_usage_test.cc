#include "core/key_usage.h"

#include <gtest/gtest.h>

#include "memory/memory_accounts.h"

namespace vodlift {
namespace {

class KeyUsageTest : public testing::Test {
 protected:
  KeyUsageTest() {
    Account account;
    account.cdn = 158;
    account.user = "jb";
    accounts_.add_account(account).value();
    for (const char* name : {"A", "B"}) {
      ApiKey key;
      key.cdn = account.cdn;
      key.api_key = name;
      accounts_.add_key(key).value();
    }
  }

  std::int64_t id(std::string_view api_key) const { return accounts_.find_key(api_key)->id; }
  std::optional<WallTime> last_used(std::string_view api_key) const { return accounts_.find_key(api_key)->last_used; }

  memory::MemoryAccounts rows_;
  AccountDirectory accounts_{rows_};
  KeyUsage usage_{accounts_};
};

TEST_F(KeyUsageTest, WritesTheLastTimeOfEachKeyOnce) {
  rows_.fail_with(Error{Errc::store_failed, "the disk is full"});
  ASSERT_TRUE(usage_.flush()) << "nothing is written where nothing was used";
  usage_.note(id("A"), from_unix_ms(10));
  usage_.note(id("B"), from_unix_ms(11));
  usage_.note(id("A"), from_unix_ms(20));
  usage_.note(id("A"), from_unix_ms(15));
  rows_.fail_with(std::nullopt);
  EXPECT_FALSE(last_used("A")) << "nothing is written while requests are judged";
  ASSERT_TRUE(usage_.flush());
  EXPECT_EQ(last_used("A"), from_unix_ms(20));
  EXPECT_EQ(last_used("B"), from_unix_ms(11));
  rows_.fail_with(Error{Errc::store_failed, "the disk is full"});
  ASSERT_TRUE(usage_.flush()) << "each use is written once";
}

TEST_F(KeyUsageTest, KeepsWhatCouldNotBeWritten) {
  rows_.fail_with(Error{Errc::store_failed, "the disk is full"});
  usage_.note(id("A"), from_unix_ms(10));
  EXPECT_EQ(usage_.flush().error().code, Errc::store_failed);
  rows_.fail_with(std::nullopt);
  usage_.note(id("A"), from_unix_ms(5));
  ASSERT_TRUE(usage_.flush());
  EXPECT_EQ(last_used("A"), from_unix_ms(10));
}

}  // namespace
}  // namespace vodlift
