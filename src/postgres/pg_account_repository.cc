#include "postgres/pg_account_repository.h"

#include <utility>

#include "base/random.h"
#include "postgres/account_statements.h"
#include "postgres/pg_account_removal.h"
#include "postgres/pg_account_rows.h"

namespace vodlift::postgres {
namespace {

constexpr std::string_view kCanaryContext = "seal_canary";

std::int64_t value_of(PgResult row) { return row.next() ? row.integer("value") : 0; }

// Something new may be made for the account.
Result<> check_stays(PgConnection& connection, AccountId cdn) {
  auto row = connection.run(sql::kAccountRemoving, cdn);
  if (!row.next()) return no_such_account(cdn);
  return row.is_null("removing_ms") ? Result<>() : being_removed({RemovableKind::account, cdn});
}

// The one that is stored counts, also where another node stores its own at the same time.
Result<> check_canary(PgConnection& connection, const Seal& seal) {
  const std::string fresh = seal.seal(Secret(random_hex(8)), kCanaryContext);
  connection.run(sql::kInsertCanary, Bytes{fresh});
  auto row = connection.run(sql::kSelectCanary);
  if (row.next() && seal.open(row.blob("sealed"), kCanaryContext)) return {};
  return Error{Errc::seal_broken,
               "the master key does not fit this database: it was set up with another master key file. Put that file "
               "back, or start with the database that belongs to this one"};
}

}  // namespace

Result<bool> PgAccountRepository::holds_secrets(PgDatabase& database) {
  return database.read([](PgTransaction& transaction) -> Result<bool> {
    auto row = transaction.connection.run(sql::kHoldsCanary);
    return row.next() && row.integer("found") != 0;
  });
}

Result<std::unique_ptr<PgAccountRepository>> PgAccountRepository::open(PgDatabase& database, Seal seal) {
  std::unique_ptr<PgAccountRepository> repository(new PgAccountRepository(database, std::move(seal)));
  auto fits = database.write(
      [&](PgTransaction& transaction) -> Result<> { return check_canary(transaction.connection, repository->seal_); });
  if (!fits) return fits.error();
  return repository;
}

template <class Step>
auto PgAccountRepository::write(Step step) -> std::invoke_result_t<Step&, PgTransaction&, std::int64_t> {
  return database_.write([&](PgTransaction& transaction) {
    transaction.tell({.kind = Change::Kind::accounts});
    return step(transaction, value_of(transaction.connection.run(sql::kNextAccountsVersion)));
  });
}

Result<AccountChanges> PgAccountRepository::load_since(std::int64_t version) {
  return database_.read([&](PgTransaction& transaction) -> Result<AccountChanges> {
    PgConnection& connection = transaction.connection;
    AccountChanges changes;
    changes.version = value_of(connection.run(sql::kAccountsVersion));
    if (changes.version == version) return changes;
    changes.all = value_of(connection.run(sql::kLastRemoval)) > version;
    auto rows = load_rows(connection, seal_, changes.all ? 0 : version);
    if (!rows) return rows.error();
    changes.rows = std::move(*rows);
    return changes;
  });
}

Result<> PgAccountRepository::insert(PgConnection& connection, Account& account, std::int64_t version) {
  if (connection.run(sql::kAccountRemoving, account.cdn).next()) return account_exists(account.cdn);
  if (auto owner = connection.run(sql::kAccountOfUser, account.user); owner.next()) {
    return user_exists(account.user, owner.integer("cdn"));
  }
  if (auto taken = take_number(connection, account); !taken) return taken;
  account.version = version;
  insert_row(connection, seal_, account);
  return {};
}

Result<Account> PgAccountRepository::add(Account account) {
  return write([&](PgTransaction& transaction, std::int64_t version) -> Result<Account> {
    if (auto added = insert(transaction.connection, account, version); !added) return added.error();
    return account;
  });
}

Result<> PgAccountRepository::insert(PgConnection& connection, ApiKey& key, std::int64_t version) {
  if (auto stays = check_stays(connection, key.cdn); !stays) return stays;
  if (connection.run(sql::kKeyOfName, key.api_key).next()) return key_exists(key.api_key);
  key.version = version;
  key.id = insert_row(connection, seal_, key);
  key.last_used.reset();
  return {};
}

Result<ApiKey> PgAccountRepository::add(ApiKey key) {
  return write([&](PgTransaction& transaction, std::int64_t version) -> Result<ApiKey> {
    if (auto added = insert(transaction.connection, key, version); !added) return added.error();
    return key;
  });
}

Result<> PgAccountRepository::put(PgConnection& connection, BucketAccess& bucket, std::int64_t version) {
  if (auto stays = check_stays(connection, bucket.cdn); !stays) return stays;
  bucket.removing.reset();
  if (auto row = connection.run(sql::kBucketRemoving, bucket.cdn, Bytes{bucket.bucket}); row.next()) {
    bucket.removing = row.optional_time("removing_ms");
  }
  bucket.version = version;
  put_row(connection, seal_, bucket);
  return {};
}

Result<BucketAccess> PgAccountRepository::put(BucketAccess bucket) {
  return write([&](PgTransaction& transaction, std::int64_t version) -> Result<BucketAccess> {
    if (auto added = put(transaction.connection, bucket, version); !added) return added.error();
    return bucket;
  });
}

Result<AccountRows> PgAccountRepository::add_all(AccountRows rows) {
  return write([&](PgTransaction& transaction, std::int64_t version) -> Result<AccountRows> {
    for (Account& account : rows.accounts) {
      if (auto added = insert(transaction.connection, account, version); !added) return added.error();
    }
    for (ApiKey& key : rows.keys) {
      if (auto added = insert(transaction.connection, key, version); !added) return added.error();
    }
    for (BucketAccess& bucket : rows.buckets) {
      if (transaction.connection.run(sql::kBucketRemoving, bucket.cdn, Bytes{bucket.bucket}).next()) {
        return bucket_exists(bucket.cdn, bucket.bucket);
      }
      if (auto added = put(transaction.connection, bucket, version); !added) return added.error();
    }
    return rows;
  });
}

Result<std::optional<Account>> PgAccountRepository::change(Account account) {
  const std::int64_t expected = account.version;
  return write([&](PgTransaction& transaction, std::int64_t version) -> Result<std::optional<Account>> {
    account.version = version;
    if (!update_row(transaction.connection, seal_, account, expected)) return std::optional<Account>();
    return std::optional(account);
  });
}

Result<std::optional<ApiKey>> PgAccountRepository::change(ApiKey key) {
  const std::int64_t expected = key.version;
  return write([&](PgTransaction& transaction, std::int64_t version) -> Result<std::optional<ApiKey>> {
    key.version = version;
    if (!update_row(transaction.connection, seal_, key, expected)) return std::optional<ApiKey>();
    return std::optional(key);
  });
}

Result<> PgAccountRepository::set_removing(const Removable& one, std::optional<WallTime> since) {
  return write([&](PgTransaction& transaction, std::int64_t version) -> Result<> {
    return mark_removing(transaction.connection, one, since, version);
  });
}

Result<Uses> PgAccountRepository::uses(const Removable& one) {
  return database_.read([&](PgTransaction& transaction) { return count_uses(transaction.connection, one); });
}

Result<std::vector<UploadId>> PgAccountRepository::uncancelled(const Removable& one, int limit) {
  return database_.read(
      [&](PgTransaction& transaction) { return find_uncancelled(transaction.connection, one, limit); });
}

Result<bool> PgAccountRepository::remove(const Removable& one, WallTime now) {
  return write([&](PgTransaction& transaction, std::int64_t version) -> Result<bool> {
    transaction.connection.run(sql::kLockAlone, sql::kRemovalLock);
    auto unused = is_unused(transaction.connection, one);
    if (!unused || !*unused) return unused;
    remove_rows(transaction.connection, one, now);
    transaction.connection.run(sql::kNoteRemoval, version, to_unix_ms(transaction.now()));
    return true;
  });
}

Result<> PgAccountRepository::record_key_uses(std::span<const KeyUse> uses) {
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> times;
  for (const KeyUse& use : uses) {
    ids.push_back(use.key_id);
    times.push_back(to_unix_ms(use.when));
  }
  return write([&](PgTransaction& transaction, std::int64_t version) -> Result<> {
    transaction.connection.run(sql::kUseKeys, ids, times, version);
    return {};
  });
}

}  // namespace vodlift::postgres
