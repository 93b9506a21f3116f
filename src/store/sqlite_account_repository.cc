#include "store/sqlite_account_repository.h"

#include <utility>

#include "base/random.h"
#include "store/sqlite_account_removal.h"
#include "store/sqlite_account_rows.h"

namespace vodlift::store {
namespace {

constexpr std::string_view kHoldsCanary = "SELECT count(*) FROM seal_canary";
constexpr std::string_view kSelectCanary = "SELECT sealed FROM seal_canary WHERE id = 1";
constexpr std::string_view kInsertCanary = "INSERT INTO seal_canary (id, sealed) VALUES (1, ?1)";
constexpr std::string_view kCanaryContext = "seal_canary";

constexpr std::string_view kSelectVersion = "SELECT value FROM counters WHERE name = 'accounts'";
constexpr std::string_view kNextVersion =
    "UPDATE counters SET value = value + 1 WHERE name = 'accounts' RETURNING value";
constexpr std::string_view kLastRemoval = "SELECT value FROM counters WHERE name = 'accounts_removed'";
constexpr std::string_view kAccountRemoving = "SELECT removing_ms FROM accounts WHERE cdn = ?1";
constexpr std::string_view kBucketRemoving = "SELECT removing_ms FROM buckets WHERE cdn = ?1 AND bucket = ?2";
constexpr std::string_view kAccountExists = "SELECT 1 FROM accounts WHERE cdn = ?1";
constexpr std::string_view kAccountOfUser = "SELECT cdn FROM accounts WHERE user = ?1";
constexpr std::string_view kKeyExists = "SELECT 1 FROM api_keys WHERE api_key = ?1";

std::int64_t version_by(SqliteConnection& connection, std::string_view sql) {
  auto row = connection.prepare(sql);
  return row.step() ? row.integer("value") : 0;
}

template <class Value>
bool finds(SqliteConnection& connection, std::string_view sql, const Value& value) {
  return connection.prepare(sql).bind(value).step();
}

// The account with this user; nothing if there is none.
std::optional<AccountId> owner_of(SqliteConnection& connection, const std::string& user) {
  auto row = connection.prepare(kAccountOfUser);
  if (!row.bind(user).step()) return std::nullopt;
  return row.integer("cdn");
}

// Something new may be made for the account.
Result<> check_stays(SqliteConnection& connection, AccountId cdn) {
  auto row = connection.prepare(kAccountRemoving);
  if (!row.bind(cdn).step()) return no_such_account(cdn);
  return row.is_null("removing_ms") ? Result<>() : being_removed({RemovableKind::account, cdn});
}

Result<> check_canary(SqliteConnection& connection, const Seal& seal) {
  std::optional<std::string> sealed;
  {
    auto row = connection.prepare(kSelectCanary);
    if (row.step()) sealed = row.blob("sealed");
  }
  if (!sealed) {
    connection.prepare(kInsertCanary).bind(Blob{seal.seal(Secret(random_hex(8)), kCanaryContext)}).run();
    return {};
  }
  if (seal.open(*sealed, kCanaryContext)) return {};
  return Error{Errc::seal_broken,
               "the master key does not fit this database: it was set up with another master key file. Put that file "
               "back, or start with the database that belongs to this one"};
}

}  // namespace

Result<bool> SqliteAccountRepository::holds_secrets(SqliteDatabase& database) {
  return database.read(
      [](SqliteConnection& connection) -> Result<bool> { return connection.query(kHoldsCanary).value_or("0") != "0"; });
}

Result<std::unique_ptr<SqliteAccountRepository>> SqliteAccountRepository::open(SqliteDatabase& database,
                                                                               LocalChangeFeed& feed, Seal seal) {
  std::unique_ptr<SqliteAccountRepository> repository(new SqliteAccountRepository(database, feed, std::move(seal)));
  auto fits = database.write(
      [&](SqliteConnection& connection) -> Result<> { return check_canary(connection, repository->seal_); });
  if (!fits) return fits.error();
  return repository;
}

SqliteAccountRepository::SqliteAccountRepository(SqliteDatabase& database, LocalChangeFeed& feed, Seal seal)
    : database_(database), feed_(feed), seal_(std::move(seal)) {}

template <class Step>
auto SqliteAccountRepository::write(Step step) -> std::invoke_result_t<Step&, SqliteConnection&> {
  auto outcome = database_.write(std::move(step));
  if (outcome) feed_.publish({.kind = Change::Kind::accounts});
  return outcome;
}

Result<AccountChanges> SqliteAccountRepository::load_since(std::int64_t version) {
  return database_.read([&](SqliteConnection& connection) -> Result<AccountChanges> {
    AccountChanges changes;
    changes.version = version_by(connection, kSelectVersion);
    if (changes.version == version) return changes;
    changes.all = version_by(connection, kLastRemoval) > version;
    auto rows = load_rows(connection, seal_, changes.all ? 0 : version);
    if (!rows) return rows.error();
    changes.rows = std::move(*rows);
    return changes;
  });
}

Result<> SqliteAccountRepository::insert(SqliteConnection& connection, Account& account) {
  if (finds(connection, kAccountExists, account.cdn)) return account_exists(account.cdn);
  if (const auto owner = owner_of(connection, account.user)) return user_exists(account.user, *owner);
  if (auto taken = take_number(connection, account); !taken) return taken;
  account.version = version_by(connection, kNextVersion);
  insert_row(connection, seal_, account);
  return {};
}

Result<Account> SqliteAccountRepository::add(Account account) {
  return write([&](SqliteConnection& connection) -> Result<Account> {
    if (auto added = insert(connection, account); !added) return added.error();
    return account;
  });
}

Result<> SqliteAccountRepository::insert(SqliteConnection& connection, ApiKey& key) {
  if (auto stays = check_stays(connection, key.cdn); !stays) return stays;
  if (finds(connection, kKeyExists, key.api_key)) return key_exists(key.api_key);
  key.version = version_by(connection, kNextVersion);
  key.id = insert_row(connection, seal_, key);
  key.last_used.reset();
  return {};
}

Result<ApiKey> SqliteAccountRepository::add(ApiKey key) {
  return write([&](SqliteConnection& connection) -> Result<ApiKey> {
    if (auto added = insert(connection, key); !added) return added.error();
    return key;
  });
}

Result<> SqliteAccountRepository::put(SqliteConnection& connection, BucketAccess& bucket) {
  if (auto stays = check_stays(connection, bucket.cdn); !stays) return stays;
  bucket.removing.reset();
  if (auto row = connection.prepare(kBucketRemoving); row.bind(bucket.cdn, bucket.bucket).step()) {
    bucket.removing = row.optional_time("removing_ms");
  }
  bucket.version = version_by(connection, kNextVersion);
  put_row(connection, seal_, bucket);
  return {};
}

Result<BucketAccess> SqliteAccountRepository::put(BucketAccess bucket) {
  return write([&](SqliteConnection& connection) -> Result<BucketAccess> {
    if (auto added = put(connection, bucket); !added) return added.error();
    return bucket;
  });
}

Result<AccountRows> SqliteAccountRepository::add_all(AccountRows rows) {
  return write([&](SqliteConnection& connection) -> Result<AccountRows> {
    for (Account& account : rows.accounts) {
      if (auto added = insert(connection, account); !added) return added.error();
    }
    for (ApiKey& key : rows.keys) {
      if (auto added = insert(connection, key); !added) return added.error();
    }
    for (BucketAccess& bucket : rows.buckets) {
      if (connection.prepare(kBucketRemoving).bind(bucket.cdn, bucket.bucket).step()) {
        return bucket_exists(bucket.cdn, bucket.bucket);
      }
      if (auto added = put(connection, bucket); !added) return added.error();
    }
    return rows;
  });
}

Result<std::optional<Account>> SqliteAccountRepository::change(Account account) {
  const std::int64_t expected = account.version;
  return write([&](SqliteConnection& connection) -> Result<std::optional<Account>> {
    account.version = version_by(connection, kNextVersion);
    if (!update_row(connection, seal_, account, expected)) return std::optional<Account>();
    return std::optional(account);
  });
}

Result<std::optional<ApiKey>> SqliteAccountRepository::change(ApiKey key) {
  const std::int64_t expected = key.version;
  return write([&](SqliteConnection& connection) -> Result<std::optional<ApiKey>> {
    key.version = version_by(connection, kNextVersion);
    if (!update_row(connection, seal_, key, expected)) return std::optional<ApiKey>();
    return std::optional(key);
  });
}

Result<> SqliteAccountRepository::set_removing(const Removable& one, std::optional<WallTime> since) {
  return write([&](SqliteConnection& connection) -> Result<> {
    return mark_removing(connection, one, since, version_by(connection, kNextVersion));
  });
}

Result<Uses> SqliteAccountRepository::uses(const Removable& one) {
  return database_.read([&](SqliteConnection& connection) { return count_uses(connection, one); });
}

Result<std::vector<UploadId>> SqliteAccountRepository::uncancelled(const Removable& one, int limit) {
  return database_.read([&](SqliteConnection& connection) { return find_uncancelled(connection, one, limit); });
}

Result<bool> SqliteAccountRepository::remove(const Removable& one, WallTime now) {
  return write([&](SqliteConnection& connection) -> Result<bool> {
    auto unused = is_unused(connection, one);
    if (!unused || !*unused) return unused;
    remove_rows(connection, one, now, version_by(connection, kNextVersion));
    database_.note_removal();
    return true;
  });
}

Result<> SqliteAccountRepository::record_key_uses(std::span<const KeyUse> uses) {
  return write([&](SqliteConnection& connection) -> Result<> {
    const std::int64_t version = version_by(connection, kNextVersion);
    for (const KeyUse& use : uses) update_last_used(connection, use, version);
    return {};
  });
}

}  // namespace vodlift::store
