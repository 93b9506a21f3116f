#include "store/sqlite_account_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/random.h"
#include "store/sqlite_key_rows.h"

namespace vodlift::store {
namespace {

constexpr std::string_view kHoldsCanary = "SELECT count(*) FROM seal_canary";
constexpr std::string_view kSelectCanary = "SELECT sealed FROM seal_canary WHERE id = 1";
constexpr std::string_view kInsertCanary = "INSERT INTO seal_canary (id, sealed) VALUES (1, ?1)";
constexpr std::string_view kCanaryContext = "seal_canary";

constexpr std::string_view kSelectAccounts = "SELECT cdn, user, webhook_secret, created_ms, weight FROM accounts";
constexpr std::string_view kInsertAccount =
    "INSERT INTO accounts (cdn, user, webhook_secret, created_ms, weight) VALUES (?1, ?2, ?3, ?4, ?5)";
constexpr std::string_view kSetWeight = "UPDATE accounts SET weight = ?2 WHERE cdn = ?1";

constexpr std::string_view kSelectBuckets =
    "SELECT cdn, bucket, endpoint, region, access_key, secret_key, path_style, acl_policy, created_ms, credentials,"
    " profile, role_arn, external_id, sse, kms_key, sse_bucket_key, max_parts FROM buckets";
constexpr std::string_view kPutBucket =
    "INSERT OR REPLACE INTO buckets"
    " (cdn, bucket, endpoint, region, access_key, secret_key, path_style, acl_policy, created_ms, credentials,"
    " profile, role_arn, external_id, sse, kms_key, sse_bucket_key, max_parts)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";

// Where a sealed value belongs: see Seal::seal.
std::string context_of(const Account& account) { return fmt::format("accounts.webhook_secret:{}", account.cdn); }
std::string context_of(const BucketAccess& bucket) {
  return fmt::format("buckets.secret_key:{}:{}", bucket.cdn, bucket.bucket);
}

Error no_such_account(AccountId cdn) {
  return {Errc::not_found, fmt::format("there is no account {}: add it first (vodlift account add)", cdn)};
}

Result<> check_canary(SqliteConnection& connection, const Seal& seal) {
  std::optional<std::string> sealed;
  {
    auto row = connection.prepare(kSelectCanary);
    if (row.step()) sealed = row.blob(0);
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

Result<bool> SqliteAccountStore::holds_secrets(SqliteDatabase& database) {
  return database.read(
      [](SqliteConnection& connection) -> Result<bool> { return connection.query(kHoldsCanary).value_or("0") != "0"; });
}

Result<std::unique_ptr<SqliteAccountStore>> SqliteAccountStore::open(SqliteDatabase& database, Seal seal) {
  std::unique_ptr<SqliteAccountStore> store(new SqliteAccountStore(database, std::move(seal)));
  auto loaded = database.write([&](SqliteConnection& connection) -> Result<Tables> {
    if (auto fits = check_canary(connection, store->seal_); !fits) return fits.error();
    return load(connection, store->seal_);
  });
  if (!loaded) return loaded.error();
  store->tables_ = std::move(*loaded);
  return store;
}

SqliteAccountStore::SqliteAccountStore(SqliteDatabase& database, Seal seal)
    : database_(database), seal_(std::move(seal)) {}

Result<SqliteAccountStore::Tables> SqliteAccountStore::load(SqliteConnection& connection, const Seal& seal) {
  Tables tables;
  for (const auto step : {&load_accounts, &load_keys, &load_buckets}) {
    if (auto loaded = step(connection, seal, tables); !loaded) return loaded.error();
  }
  return tables;
}

Result<> SqliteAccountStore::load_accounts(SqliteConnection& connection, const Seal& seal, Tables& tables) {
  auto row = connection.prepare(kSelectAccounts);
  while (row.step()) {
    Account account{row.integer(0), row.text(1), Secret(), from_unix_ms(row.integer(3)),
                    static_cast<int>(row.integer(4))};
    auto secret = seal.open(row.blob(2), context_of(account));
    if (!secret) return secret.error();
    account.webhook_secret = std::move(*secret);
    tables.accounts.emplace(account.cdn, std::move(account));
  }
  return {};
}

Result<> SqliteAccountStore::load_keys(SqliteConnection& connection, const Seal& seal, Tables& tables) {
  auto keys = store::load_keys(connection, seal);
  if (!keys) return keys.error();
  for (ApiKey& key : *keys) {
    std::string name = key.api_key;
    tables.keys.emplace(std::move(name), std::move(key));
  }
  return {};
}

Result<> SqliteAccountStore::load_buckets(SqliteConnection& connection, const Seal& seal, Tables& tables) {
  auto row = connection.prepare(kSelectBuckets);
  while (row.step()) {
    BucketAccess bucket{row.integer(0),
                        row.text(1),
                        row.text(2),
                        row.text(3),
                        row.text(4),
                        Secret(),
                        row.integer(6) != 0,
                        acl_policy_from(row.text(7)).value_or(AclPolicy::fail),
                        from_unix_ms(row.integer(8)),
                        {credential_source_from(row.text(9)).value_or(CredentialSource::fixed), row.text(10),
                         row.text(11), row.text(12)},
                        {encryption_mode_from(row.text(13)).value_or(EncryptionMode::bucket_default), row.text(14),
                         row.integer(15) != 0},
                        static_cast<int>(row.integer(16))};
    auto secret = seal.open(row.blob(5), context_of(bucket));
    if (!secret) return secret.error();
    bucket.secret_key = std::move(*secret);
    auto& of_account = tables.buckets[bucket.cdn];
    of_account.emplace(bucket.bucket, std::move(bucket));
  }
  return {};
}

std::optional<Account> SqliteAccountStore::find_account(AccountId cdn) const {
  const std::shared_lock lock(mutex_);
  const auto found = tables_.accounts.find(cdn);
  if (found == tables_.accounts.end()) return std::nullopt;
  return found->second;
}

std::optional<ApiKey> SqliteAccountStore::find_key(std::string_view api_key) const {
  const std::shared_lock lock(mutex_);
  const auto found = tables_.keys.find(api_key);
  if (found == tables_.keys.end()) return std::nullopt;
  return found->second;
}

std::optional<BucketAccess> SqliteAccountStore::find_bucket(AccountId cdn, std::string_view bucket) const {
  const std::shared_lock lock(mutex_);
  const auto of_account = tables_.buckets.find(cdn);
  if (of_account == tables_.buckets.end()) return std::nullopt;
  const auto found = of_account->second.find(bucket);
  if (found == of_account->second.end()) return std::nullopt;
  return found->second;
}

std::vector<Account> SqliteAccountStore::accounts() const {
  const std::shared_lock lock(mutex_);
  std::vector<Account> all;
  for (const auto& [cdn, account] : tables_.accounts) all.push_back(account);
  return all;
}

std::vector<ApiKey> SqliteAccountStore::keys(std::optional<AccountId> cdn) const {
  std::vector<ApiKey> all;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [name, key] : tables_.keys) {
      if (!cdn || key.cdn == *cdn) all.push_back(key);
    }
  }
  std::sort(all.begin(), all.end(), [](const ApiKey& left, const ApiKey& right) {
    return std::pair(left.created, left.id) < std::pair(right.created, right.id);
  });
  return all;
}

std::vector<BucketAccess> SqliteAccountStore::buckets(std::optional<AccountId> cdn) const {
  std::vector<BucketAccess> all;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [account, of_account] : tables_.buckets) {
      if (cdn && account != *cdn) continue;
      for (const auto& [name, bucket] : of_account) all.push_back(bucket);
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const BucketAccess& left, const BucketAccess& right) { return left.bucket < right.bucket; });
  return all;
}

Result<> SqliteAccountStore::add_account(Account account) {
  const std::lock_guard turn(change_mutex_);
  for (const auto& [cdn, known] : tables_.accounts) {
    if (cdn == account.cdn) return Error{Errc::already_exists, fmt::format("account {} exists already", cdn)};
    if (known.user == account.user) {
      return Error{Errc::already_exists,
                   fmt::format("the user '{}' belongs to account {} already", printable(account.user), cdn)};
    }
  }
  const std::string sealed = seal_.seal(account.webhook_secret, context_of(account));
  auto written = database_.write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare(kInsertAccount)
        .bind(account.cdn, account.user, Blob{sealed}, to_unix_ms(account.created), account.weight)
        .run();
    return {};
  });
  if (!written) return written;
  const std::unique_lock lock(mutex_);
  tables_.accounts.emplace(account.cdn, std::move(account));
  return {};
}

Result<> SqliteAccountStore::set_weight(AccountId cdn, int weight) {
  const std::lock_guard turn(change_mutex_);
  if (!tables_.accounts.contains(cdn)) return no_such_account(cdn);
  auto written = database_.write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare(kSetWeight).bind(cdn, weight).run();
    return {};
  });
  if (!written) return written;
  const std::unique_lock lock(mutex_);
  tables_.accounts.at(cdn).weight = weight;
  return {};
}

Result<> SqliteAccountStore::add_key(ApiKey key) {
  const std::lock_guard turn(change_mutex_);
  if (!tables_.accounts.contains(key.cdn)) return no_such_account(key.cdn);
  if (tables_.keys.contains(key.api_key)) {
    return Error{Errc::already_exists, fmt::format("the API key {} exists already", printable(key.api_key))};
  }
  auto id = database_.write(
      [&](SqliteConnection& connection) -> Result<std::int64_t> { return insert_key(connection, seal_, key); });
  if (!id) return id.error();
  key.id = *id;
  const std::unique_lock lock(mutex_);
  tables_.keys.emplace(key.api_key, std::move(key));
  return {};
}

Result<> SqliteAccountStore::revoke_key(std::string_view api_key, WallTime when) {
  return change_key(api_key, [when](ApiKey& key) -> Result<> {
    // The first revocation stays the one that is told.
    if (!key.revoked) key.revoked = when;
    return {};
  });
}

Result<> SqliteAccountStore::change_key(std::string_view api_key, const std::function<Result<>(ApiKey&)>& change) {
  const std::lock_guard turn(change_mutex_);
  const auto known = tables_.keys.find(api_key);
  if (known == tables_.keys.end()) {
    return Error{Errc::not_found, fmt::format("there is no API key {}", printable(api_key))};
  }
  ApiKey& current = known->second;
  ApiKey changed = current;
  if (auto done = change(changed); !done) return done;
  changed.id = current.id;
  changed.cdn = current.cdn;
  changed.api_key = current.api_key;
  changed.created = current.created;
  changed.last_used = current.last_used;
  auto written = database_.write([&](SqliteConnection& connection) -> Result<> {
    update_key(connection, seal_, changed);
    return {};
  });
  if (!written) return written;
  const std::unique_lock lock(mutex_);
  current = std::move(changed);
  return {};
}

Result<> SqliteAccountStore::record_key_uses(std::span<const KeyUse> uses) {
  const std::lock_guard turn(change_mutex_);
  auto written = database_.write([&](SqliteConnection& connection) -> Result<> {
    for (const KeyUse& use : uses) update_last_used(connection, use);
    return {};
  });
  if (!written) return written;
  std::unordered_map<std::int64_t, WallTime> times;
  for (const KeyUse& use : uses) {
    WallTime& time = times[use.key_id];
    time = std::max(time, use.when);
  }
  const std::unique_lock lock(mutex_);
  for (auto& [name, key] : tables_.keys) {
    const auto used = times.find(key.id);
    if (used == times.end()) continue;
    if (!key.last_used || *key.last_used < used->second) key.last_used = used->second;
  }
  return {};
}

Result<> SqliteAccountStore::put_bucket(BucketAccess bucket) {
  const std::lock_guard turn(change_mutex_);
  if (!tables_.accounts.contains(bucket.cdn)) return no_such_account(bucket.cdn);
  const std::string sealed = seal_.seal(bucket.secret_key, context_of(bucket));
  auto written = database_.write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare(kPutBucket)
        .bind(bucket.cdn, bucket.bucket, bucket.endpoint, bucket.region, bucket.access_key, Blob{sealed},
              bucket.path_style, to_string(bucket.acl_policy), to_unix_ms(bucket.created),
              to_string(bucket.credentials.source), bucket.credentials.profile, bucket.credentials.role_arn,
              bucket.credentials.external_id, to_string(bucket.encryption.mode), bucket.encryption.kms_key,
              bucket.encryption.bucket_key, bucket.max_parts)
        .run();
    return {};
  });
  if (!written) return written;
  const std::unique_lock lock(mutex_);
  auto& of_account = tables_.buckets[bucket.cdn];
  of_account.insert_or_assign(bucket.bucket, std::move(bucket));
  return {};
}

}  // namespace vodlift::store
