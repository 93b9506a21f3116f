// Accounts, keys and buckets in SQLite.
#pragma once

#include <memory>
#include <type_traits>

#include "base/seal.h"
#include "core/account_repository.h"
#include "core/change_feed.h"
#include "store/sqlite_database.h"

namespace vodlift::store {

// AccountRepository over a SqliteDatabase. Publishes each change after its commit. Any thread.
class SqliteAccountRepository final : public AccountRepository {
 public:
  // Whether anything was ever sealed in this database: then a missing master key must not be replaced by a new one.
  // Errors: store_failed.
  static Result<bool> holds_secrets(SqliteDatabase& database);

  // `database` and `feed` must outlive it. Errors: seal_broken (not the master key that this database was set up with),
  // store_failed.
  static Result<std::unique_ptr<SqliteAccountRepository>> open(SqliteDatabase& database, LocalChangeFeed& feed,
                                                               Seal seal);

  Result<AccountChanges> load_since(std::int64_t version) override;
  Result<Account> add(Account account) override;
  Result<ApiKey> add(ApiKey key) override;
  Result<BucketAccess> put(BucketAccess bucket) override;
  Result<AccountRows> add_all(AccountRows rows) override;
  Result<std::optional<Account>> change(Account account) override;
  Result<std::optional<ApiKey>> change(ApiKey key) override;
  Result<> set_removing(const Removable& one, std::optional<WallTime> since) override;
  Result<Uses> uses(const Removable& one) override;
  Result<std::vector<UploadId>> uncancelled(const Removable& one, int limit) override;
  Result<bool> remove(const Removable& one, WallTime now) override;
  Result<> record_key_uses(std::span<const KeyUse> uses) override;

 private:
  SqliteAccountRepository(SqliteDatabase& database, LocalChangeFeed& feed, Seal seal);

  // Parts of a transaction.
  Result<> insert(SqliteConnection& connection, Account& account);
  Result<> insert(SqliteConnection& connection, ApiKey& key);
  Result<> put(SqliteConnection& connection, BucketAccess& bucket);

  template <class Step>
  auto write(Step step) -> std::invoke_result_t<Step&, SqliteConnection&>;

  SqliteDatabase& database_;
  LocalChangeFeed& feed_;
  const Seal seal_;
};

}  // namespace vodlift::store
