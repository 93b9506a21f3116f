// What the tests of accounts share: the implementations, and one of them with a node over it.
#pragma once

#include <memory>
#include <string>

#include "conformance/postgres_under_test.h"
#include "conformance/sqlite_under_test.h"
#include "conformance/store_suite.h"
#include "memory/memory_accounts.h"

namespace vodlift::conformance {

// One repository with storage of its own, empty at first.
class AccountStorage {
 public:
  AccountStorage() = default;
  AccountStorage(const AccountStorage&) = delete;
  AccountStorage& operator=(const AccountStorage&) = delete;
  virtual ~AccountStorage() = default;

  virtual AccountRepository& rows() = 0;
  virtual ChangeFeed& feed() = 0;
  // Closes the repository and opens it again on the same storage.
  virtual void reopen() = 0;
};

// The one of a whole store.
class StoreAccountStorage final : public AccountStorage {
 public:
  explicit StoreAccountStorage(std::unique_ptr<StoreUnderTest> store) : store_(std::move(store)) {}
  AccountRepository& rows() override { return store_->account_rows(); }
  ChangeFeed& feed() override { return store_->feed(); }
  void reopen() override { store_->reopen(); }

 private:
  std::unique_ptr<StoreUnderTest> store_;
};

class MemoryAccountStorage final : public AccountStorage {
 public:
  explicit MemoryAccountStorage(const ManualClock&) {}
  AccountRepository& rows() override { return rows_; }
  ChangeFeed& feed() override { return rows_.feed(); }
  void reopen() override {}

 private:
  memory::MemoryAccounts rows_;
};

struct AccountImplementation {
  std::string name;
  std::function<std::unique_ptr<AccountStorage>(const ManualClock& clock)> make;
};

// One node and its storage.
class AccountSuite : public testing::TestWithParam<AccountImplementation> {
 protected:
  void SetUp() override {
    storage_ = GetParam().make(clock_);
    accounts_ = make_node();
  }

  AccountDirectory& accounts() { return *accounts_; }
  // The directory of another node over the same storage.
  std::unique_ptr<AccountDirectory> make_node() {
    auto node = std::make_unique<AccountDirectory>(storage_->rows());
    node->refresh().value();
    return node;
  }
  void reopen() {
    accounts_.reset();
    storage_->reopen();
    accounts_ = make_node();
  }

  Account account(AccountId cdn, const std::string& user) { return {cdn, user, Secret("whsec_" + user), clock_.now()}; }
  ApiKey key(AccountId cdn, const std::string& name) {
    ApiKey key;
    key.cdn = cdn;
    key.api_key = name;
    key.secret = Secret("secret of " + name);
    key.created = clock_.now();
    return key;
  }
  BucketAccess bucket(AccountId cdn, const std::string& name) {
    return {cdn,
            name,
            "http://127.0.0.1:9000",
            "eu-west-1",
            "AKIA",
            Secret("secret of " + name),
            true,
            AclPolicy::private_acl,
            clock_.now(),
            {CredentialSource::profile, "media", "arn:aws:iam::123456789012:role/up", "x1"},
            {EncryptionMode::sse_kms, "alias/films", true}};
  }

  void add_account(AccountId cdn, const std::string& user) {
    const auto added = accounts().add_account(account(cdn, user));
    ASSERT_TRUE(added) << added.error().message;
  }

  ManualClock clock_;
  std::unique_ptr<AccountStorage> storage_;
  std::unique_ptr<AccountDirectory> accounts_;
};

#define VODLIFT_INSTANTIATE_ACCOUNT_SUITE(suite)                                                                  \
  INSTANTIATE_TEST_SUITE_P(                                                                                       \
      Every, suite,                                                                                               \
      testing::Values(                                                                                            \
          AccountImplementation{"sqlite",                                                                         \
                                [](const ManualClock& clock) {                                                    \
                                  return std::make_unique<StoreAccountStorage>(make_sqlite_under_test(clock));    \
                                }},                                                                               \
          AccountImplementation{"postgres",                                                                       \
                                [](const ManualClock& clock) {                                                    \
                                  return std::make_unique<StoreAccountStorage>(make_postgres_under_test(clock));  \
                                }},                                                                               \
          AccountImplementation{                                                                                  \
              "memory", [](const ManualClock& clock) { return std::make_unique<MemoryAccountStorage>(clock); }}), \
      [](const auto& each) { return each.param.name; })

}  // namespace vodlift::conformance
