// What the directory does when its repository fails; tests/conformance has the rest.
#include "core/account_directory.h"

#include <gtest/gtest.h>

#include "memory/memory_accounts.h"

namespace vodlift {
namespace {

class AccountDirectoryTest : public testing::Test {
 protected:
  AccountDirectoryTest() {
    Account account;
    account.cdn = 158;
    account.user = "jb";
    accounts_.add_account(account).value();
    ApiKey key;
    key.cdn = account.cdn;
    key.api_key = "K";
    accounts_.add_key(key).value();
  }

  void break_disk() { rows_.fail_with(Error{Errc::store_failed, "the disk is full"}); }

  memory::MemoryAccounts rows_;
  AccountDirectory accounts_{rows_};
};

TEST_F(AccountDirectoryTest, ReadsGoOnWhileTheRepositoryFails) {
  break_disk();
  EXPECT_EQ(accounts_.refresh().error().code, Errc::store_failed);
  EXPECT_TRUE(accounts_.find_account(158));
  EXPECT_TRUE(accounts_.find_key("K"));
}

TEST_F(AccountDirectoryTest, AChangeThatFailedIsNotVisible) {
  break_disk();
  EXPECT_EQ(accounts_.change_account(158, [](Account&) -> Result<> { return {}; }).error().code, Errc::store_failed);
  EXPECT_EQ(accounts_.revoke_key("K", from_unix_ms(1)).error().code, Errc::store_failed);
  EXPECT_EQ(accounts_.add_key({}).error().code, Errc::store_failed);
  EXPECT_EQ(accounts_.find_account(158)->weight, kDefaultWeight);
  EXPECT_FALSE(accounts_.find_key("K")->revoked);
  EXPECT_EQ(accounts_.keys(std::nullopt).size(), 1U);
}

TEST_F(AccountDirectoryTest, ARefreshLoadsWhatTheOneBeforeCouldNot) {
  AccountDirectory other(rows_);
  other.follow(rows_.feed());
  break_disk();
  EXPECT_FALSE(other.refresh());
  EXPECT_TRUE(other.is_behind()) << "to be tried again";
  EXPECT_FALSE(other.find_key("K"));
  rows_.fail_with(std::nullopt);
  ASSERT_TRUE(other.refresh());
  EXPECT_TRUE(other.find_key("K"));
}

TEST_F(AccountDirectoryTest, WhatWasReadOutlivesTheDirectory) {
  auto other = std::make_unique<AccountDirectory>(rows_);
  ASSERT_TRUE(other->refresh());
  const auto key = other->find_key("K");
  other.reset();
  EXPECT_EQ(key->api_key, "K");
}

}  // namespace
}  // namespace vodlift
