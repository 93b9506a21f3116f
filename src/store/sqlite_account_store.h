// Accounts, keys and buckets: kept in SQLite, answered from memory.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/account_store.h"
#include "store/seal.h"
#include "store/sqlite_database.h"

namespace vodlift::store {

// AccountStore over a SqliteDatabase, which must outlive it. Internally locked: reads share, changes take turns.
class SqliteAccountStore final : public AccountStore {
 public:
  // Whether anything was ever sealed in this database: then a missing master key must not be replaced by a new one.
  // Errors: store_failed.
  static Result<bool> holds_secrets(SqliteDatabase& database);

  // Loads everything. Errors: seal_broken (not the master key this database was set up with), store_failed.
  static Result<std::unique_ptr<SqliteAccountStore>> open(SqliteDatabase& database, Seal seal);

  [[nodiscard]] std::optional<Account> find_account(AccountId cdn) const override;
  [[nodiscard]] std::optional<ApiKey> find_key(std::string_view api_key) const override;
  [[nodiscard]] std::optional<BucketAccess> find_bucket(AccountId cdn, std::string_view bucket) const override;
  [[nodiscard]] std::vector<Account> accounts() const override;
  [[nodiscard]] std::vector<ApiKey> keys(std::optional<AccountId> cdn) const override;
  [[nodiscard]] std::vector<BucketAccess> buckets(std::optional<AccountId> cdn) const override;

  Result<> add_account(Account account) override;
  Result<> set_weight(AccountId cdn, int weight) override;
  Result<> add_key(ApiKey key) override;
  Result<> revoke_key(std::string_view api_key, WallTime when) override;
  Result<> change_key(std::string_view api_key, const std::function<Result<>(ApiKey&)>& change) override;
  Result<> record_key_uses(std::span<const KeyUse> uses) override;
  Result<> put_bucket(BucketAccess bucket) override;

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  struct Tables {
    std::map<AccountId, Account> accounts;
    std::unordered_map<std::string, ApiKey, TextHash, std::equal_to<>> keys;
    std::map<AccountId, std::map<std::string, BucketAccess, std::less<>>> buckets;
  };

  SqliteAccountStore(SqliteDatabase& database, Seal seal);

  static Result<Tables> load(SqliteConnection& connection, const Seal& seal);
  static Result<> load_accounts(SqliteConnection& connection, const Seal& seal, Tables& tables);
  static Result<> load_keys(SqliteConnection& connection, const Seal& seal, Tables& tables);
  static Result<> load_buckets(SqliteConnection& connection, const Seal& seal, Tables& tables);

  SqliteDatabase& database_;
  const Seal seal_;
  std::mutex change_mutex_;          // held over the write to the disk; memory is changed by its holder only
  mutable std::shared_mutex mutex_;  // guards tables_
  Tables tables_;
};

}  // namespace vodlift::store
