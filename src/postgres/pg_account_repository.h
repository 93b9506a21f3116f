// Accounts, keys and buckets in PostgreSQL.
#pragma once

#include <memory>
#include <type_traits>

#include "base/seal.h"
#include "core/account_repository.h"
#include "postgres/pg_database.h"

namespace vodlift::postgres {

// AccountRepository over a PgDatabase. Tells of each change after its commit. Any thread.
class PgAccountRepository final : public AccountRepository {
 public:
  // Whether anything was ever sealed in this database: then a missing master key must not be replaced by a new one.
  // Errors: store_failed.
  static Result<bool> holds_secrets(PgDatabase& database);

  // `database` must outlive it. Errors: seal_broken (not the master key that this database was set up with),
  // store_failed.
  static Result<std::unique_ptr<PgAccountRepository>> open(PgDatabase& database, Seal seal);

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
  PgAccountRepository(PgDatabase& database, Seal seal) : database_(database), seal_(std::move(seal)) {}

  // Parts of a change, which has taken the version.
  Result<> insert(PgConnection& connection, Account& account, std::int64_t version);
  Result<> insert(PgConnection& connection, ApiKey& key, std::int64_t version);
  Result<> put(PgConnection& connection, BucketAccess& bucket, std::int64_t version);

  // A change, which gets the next version: it waits for changes of other nodes that have theirs.
  template <class Step>
  auto write(Step step) -> std::invoke_result_t<Step&, PgTransaction&, std::int64_t>;

  PgDatabase& database_;
  const Seal seal_;
};

}  // namespace vodlift::postgres
