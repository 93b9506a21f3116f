#include "store/sqlite_account_rows.h"

#include <string>
#include <string_view>

namespace vodlift::store {
namespace {

constexpr std::string_view kSelectAccounts =
    "SELECT cdn, user, webhook_secret, previous_secret, previous_until_ms, callback_format, https_only, created_ms,"
    " weight, uploads_at_once, removing_ms, version FROM accounts WHERE version > ?1";
constexpr std::string_view kInsertAccount =
    "INSERT INTO accounts (weight, webhook_secret, previous_secret, previous_until_ms, callback_format, https_only,"
    " uploads_at_once, version, cdn, user, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
constexpr std::string_view kUpdateAccount =
    "UPDATE accounts SET weight = ?1, webhook_secret = ?2, previous_secret = ?3, previous_until_ms = ?4,"
    " callback_format = ?5, https_only = ?6, uploads_at_once = ?7, version = ?8 WHERE cdn = ?9 AND version = ?10";

constexpr std::string_view kSelectKeys =
    "SELECT id, cdn, api_key, secret, created_ms, revoked_ms, permissions, path_prefix, buckets, networks, expires_ms,"
    " previous_secret, previous_until_ms, last_used_ms, removing_ms, version FROM api_keys WHERE version > ?1";
constexpr std::string_view kInsertKey =
    "INSERT INTO api_keys (secret, revoked_ms, permissions, path_prefix, buckets, networks, expires_ms,"
    " previous_secret, previous_until_ms, version, cdn, api_key, created_ms)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
constexpr std::string_view kUpdateKey =
    "UPDATE api_keys SET secret = ?1, revoked_ms = ?2, permissions = ?3, path_prefix = ?4, buckets = ?5, networks = ?6,"
    " expires_ms = ?7, previous_secret = ?8, previous_until_ms = ?9, version = ?10 WHERE id = ?11 AND version = ?12";
constexpr std::string_view kUseKey =
    "UPDATE api_keys SET last_used_ms = ?2, version = ?3"
    " WHERE id = ?1 AND (last_used_ms IS NULL OR last_used_ms < ?2)";

constexpr std::string_view kSelectBuckets =
    "SELECT cdn, bucket, endpoint, region, access_key, secret_key, path_style, acl_policy, created_ms, credentials,"
    " profile, role_arn, external_id, sse, kms_key, sse_bucket_key, max_parts, part_size, removing_ms, version FROM "
    "buckets WHERE "
    "version > ?1";
constexpr std::string_view kPutBucket =
    "INSERT OR REPLACE INTO buckets"
    " (cdn, bucket, endpoint, region, access_key, secret_key, path_style, acl_policy, created_ms, credentials,"
    " profile, role_arn, external_id, sse, kms_key, sse_bucket_key, max_parts, part_size, version, removing_ms)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)";

std::optional<std::int64_t> ms_of(const std::optional<WallTime>& time) {
  if (!time) return std::nullopt;
  return to_unix_ms(*time);
}

template <class Stored>
Result<> load(SqliteConnection& connection, std::string_view sql, const Seal& seal, std::int64_t version,
              std::vector<Stored>& rows) {
  auto statement = connection.prepare(sql);
  statement.bind(version);
  while (statement.step()) {
    if (auto read = read_row(statement, seal, rows.emplace_back()); !read) return read;
  }
  return {};
}

// The Blob refers to `text`.
std::optional<Blob> optional_blob(const std::optional<std::string>& text) {
  return text ? std::optional(Blob{*text}) : std::nullopt;
}

// Binds what may change of an account as ?1 to ?8, `more` after that, and runs the statement.
template <class... More>
void write_account(SqliteConnection& connection, std::string_view sql, const Seal& seal, const Account& account,
                   const More&... more) {
  const SealedSecrets sealed = sealed_secrets(seal, account);
  connection.prepare(sql)
      .bind(account.weight, Blob{sealed.secret}, optional_blob(sealed.previous), sealed.previous_until_ms,
            kCallbackFormats.word(account.callback_format), account.https_only, account.uploads_at_once,
            account.version, more...)
      .run();
}

// Binds what may change of a key as ?1 to ?10, `more` after that, and runs the statement.
template <class... More>
void write_key(SqliteConnection& connection, std::string_view sql, const Seal& seal, const ApiKey& key,
               const More&... more) {
  const SealedSecrets sealed = sealed_secrets(seal, key);
  connection.prepare(sql)
      .bind(Blob{sealed.secret}, ms_of(key.revoked), to_string(key.permissions), key.scope.path_prefix,
            texts_to_json(key.scope.buckets), networks_to_json(key.networks), ms_of(key.expires),
            optional_blob(sealed.previous), sealed.previous_until_ms, key.version, more...)
      .run();
}

}  // namespace

Result<AccountRows> load_rows(SqliteConnection& connection, const Seal& seal, std::int64_t version) {
  AccountRows rows;
  if (auto loaded = load(connection, kSelectAccounts, seal, version, rows.accounts); !loaded) return loaded.error();
  if (auto loaded = load(connection, kSelectKeys, seal, version, rows.keys); !loaded) return loaded.error();
  if (auto loaded = load(connection, kSelectBuckets, seal, version, rows.buckets); !loaded) return loaded.error();
  return rows;
}

void insert_row(SqliteConnection& connection, const Seal& seal, const Account& account) {
  write_account(connection, kInsertAccount, seal, account, account.cdn, account.user, to_unix_ms(account.created));
}

std::int64_t insert_row(SqliteConnection& connection, const Seal& seal, const ApiKey& key) {
  write_key(connection, kInsertKey, seal, key, key.cdn, key.api_key, to_unix_ms(key.created));
  return connection.last_insert_id();
}

void put_row(SqliteConnection& connection, const Seal& seal, const BucketAccess& bucket) {
  const SealedSecrets sealed = sealed_secrets(seal, bucket);
  connection.prepare(kPutBucket)
      .bind(bucket.cdn, bucket.bucket, bucket.endpoint, bucket.region, bucket.access_key, Blob{sealed.secret},
            bucket.path_style, to_string(bucket.acl_policy), to_unix_ms(bucket.created),
            to_string(bucket.credentials.source), bucket.credentials.profile, bucket.credentials.role_arn,
            bucket.credentials.external_id, to_string(bucket.encryption.mode), bucket.encryption.kms_key,
            bucket.encryption.bucket_key, bucket.max_parts, bucket.part_size, bucket.version, ms_of(bucket.removing))
      .run();
}

bool update_row(SqliteConnection& connection, const Seal& seal, const Account& account, std::int64_t expected) {
  write_account(connection, kUpdateAccount, seal, account, account.cdn, expected);
  return connection.changes() == 1;
}

bool update_row(SqliteConnection& connection, const Seal& seal, const ApiKey& key, std::int64_t expected) {
  write_key(connection, kUpdateKey, seal, key, key.id, expected);
  return connection.changes() == 1;
}

void update_last_used(SqliteConnection& connection, const KeyUse& use, std::int64_t version) {
  connection.prepare(kUseKey).bind(use.key_id, to_unix_ms(use.when), version).run();
}

}  // namespace vodlift::store
