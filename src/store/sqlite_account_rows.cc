#include "store/sqlite_account_rows.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "base/encoding.h"

namespace vodlift::store {
namespace {

constexpr std::string_view kSelectAccounts =
    "SELECT cdn, user, webhook_secret, previous_secret, previous_until_ms, callback_format, https_only, created_ms,"
    " weight, removing_ms, version FROM accounts WHERE version > ?1";
constexpr std::string_view kInsertAccount =
    "INSERT INTO accounts (weight, webhook_secret, previous_secret, previous_until_ms, callback_format, https_only,"
    " version, cdn, user, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
constexpr std::string_view kUpdateAccount =
    "UPDATE accounts SET weight = ?1, webhook_secret = ?2, previous_secret = ?3, previous_until_ms = ?4,"
    " callback_format = ?5, https_only = ?6, version = ?7 WHERE cdn = ?8 AND version = ?9";

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

// The place that a sealed value is bound to: see Seal::seal.
std::string context_of(const Account& account) { return fmt::format("accounts.webhook_secret:{}", account.cdn); }
std::string previous_context_of(const Account& account) {
  return fmt::format("accounts.previous_secret:{}", account.cdn);
}
std::string context_of(const BucketAccess& bucket) {
  return fmt::format("buckets.secret_key:{}:{}", bucket.cdn, bucket.bucket);
}
std::string context_of(const ApiKey& key) { return fmt::format("api_keys.secret:{}:{}", key.cdn, key.api_key); }
std::string previous_context_of(const ApiKey& key) {
  return fmt::format("api_keys.previous_secret:{}:{}", key.cdn, key.api_key);
}

std::optional<std::int64_t> ms_of(const std::optional<WallTime>& time) {
  if (!time) return std::nullopt;
  return to_unix_ms(*time);
}

std::vector<std::string> texts_of(const std::vector<Network>& networks) {
  std::vector<std::string> texts;
  texts.reserve(networks.size());
  for (const Network& network : networks) texts.push_back(to_string(network));
  return texts;
}

// Puts the opened value of a sealed column into `secret`.
Result<> open_secret(const SqliteStatement& row, std::string_view column, const Seal& seal, std::string_view context,
                     Secret& secret) {
  auto opened = seal.open(row.blob(column), context);
  if (!opened) return opened.error();
  secret = std::move(*opened);
  return {};
}

Result<> read_previous(const SqliteStatement& row, const Seal& seal, std::string_view context,
                       std::optional<PreviousSecret>& previous) {
  if (row.is_null("previous_secret")) return {};
  previous = PreviousSecret{Secret(), from_unix_ms(row.integer("previous_until_ms"))};
  return open_secret(row, "previous_secret", seal, context, previous->secret);
}

// A key whose limits cannot be understood must not become a key without limits.
Result<> read_rules(const SqliteStatement& row, ApiKey& key) {
  const auto not_understood = [&key](std::string_view column) {
    return Error{Errc::store_corrupt, fmt::format("API key {}: the column {} holds something that this version did not "
                                                  "write; restore the database or the version that belongs to it",
                                                  printable(key.api_key), column)};
  };
  if (const std::string permissions = row.text("permissions"); permissions.empty()) {
    key.permissions = Permissions();
  } else if (const auto read = permissions_from(permissions)) {
    key.permissions = *read;
  } else {
    return not_understood("permissions");
  }
  key.scope.path_prefix = row.text("path_prefix");
  auto buckets = texts_from_json(row.text("buckets"));
  if (!buckets) return not_understood("buckets");
  key.scope.buckets = std::move(*buckets);
  const auto networks = texts_from_json(row.text("networks"));
  if (!networks) return not_understood("networks");
  for (const std::string& text : *networks) {
    const auto network = parse_network(text);
    if (!network) return not_understood("networks");
    key.networks.push_back(*network);
  }
  return {};
}

Result<> read_row(const SqliteStatement& row, const Seal& seal, Account& account) {
  account.cdn = row.integer("cdn");
  account.user = row.text("user");
  account.created = from_unix_ms(row.integer("created_ms"));
  account.weight = static_cast<int>(row.integer("weight"));
  account.version = row.integer("version");
  account.removing = row.optional_time("removing_ms");
  account.callback_format = kCallbackFormats.value(row.text("callback_format")).value_or(CallbackFormat::json);
  account.https_only = row.integer("https_only") != 0;
  if (auto opened = open_secret(row, "webhook_secret", seal, context_of(account), account.webhook_secret); !opened) {
    return opened;
  }
  return read_previous(row, seal, previous_context_of(account), account.previous_webhook_secret);
}

Result<> read_row(const SqliteStatement& row, const Seal& seal, ApiKey& key) {
  key.id = row.integer("id");
  key.cdn = row.integer("cdn");
  key.api_key = row.text("api_key");
  key.created = from_unix_ms(row.integer("created_ms"));
  key.revoked = row.optional_time("revoked_ms");
  key.expires = row.optional_time("expires_ms");
  key.last_used = row.optional_time("last_used_ms");
  key.version = row.integer("version");
  key.removing = row.optional_time("removing_ms");
  if (auto read = read_rules(row, key); !read) return read;
  if (auto opened = open_secret(row, "secret", seal, context_of(key), key.secret); !opened) return opened;
  return read_previous(row, seal, previous_context_of(key), key.previous);
}

Result<> read_row(const SqliteStatement& row, const Seal& seal, BucketAccess& bucket) {
  bucket.cdn = row.integer("cdn");
  bucket.bucket = row.text("bucket");
  bucket.endpoint = row.text("endpoint");
  bucket.region = row.text("region");
  bucket.access_key = row.text("access_key");
  bucket.path_style = row.integer("path_style") != 0;
  bucket.acl_policy = acl_policy_from(row.text("acl_policy")).value_or(AclPolicy::fail);
  bucket.created = from_unix_ms(row.integer("created_ms"));
  bucket.credentials = {credential_source_from(row.text("credentials")).value_or(CredentialSource::fixed),
                        row.text("profile"), row.text("role_arn"), row.text("external_id")};
  bucket.encryption = {encryption_mode_from(row.text("sse")).value_or(EncryptionMode::bucket_default),
                       row.text("kms_key"), row.integer("sse_bucket_key") != 0};
  bucket.max_parts = static_cast<int>(row.integer("max_parts"));
  bucket.part_size = row.integer("part_size");
  bucket.version = row.integer("version");
  bucket.removing = row.optional_time("removing_ms");
  return open_secret(row, "secret_key", seal, context_of(bucket), bucket.secret_key);
}

template <class Row>
Result<> load(SqliteConnection& connection, std::string_view sql, const Seal& seal, std::int64_t version,
              std::vector<Row>& rows) {
  auto statement = connection.prepare(sql);
  statement.bind(version);
  while (statement.step()) {
    if (auto read = read_row(statement, seal, rows.emplace_back()); !read) return read;
  }
  return {};
}

// What is bound of a replaced secret. The Blob refers to `sealed`.
struct SealedPrevious {
  SealedPrevious(const Seal& seal, const std::optional<PreviousSecret>& previous, std::string_view context) {
    if (!previous) return;
    sealed = seal.seal(previous->secret, context);
    blob = Blob{sealed};
    until = to_unix_ms(previous->until);
  }

  std::string sealed;
  std::optional<Blob> blob;
  std::optional<std::int64_t> until;
};

// Binds what may change of an account as ?1 to ?7, `more` after that, and runs the statement.
template <class... More>
void write_account(SqliteConnection& connection, std::string_view sql, const Seal& seal, const Account& account,
                   const More&... more) {
  const std::string sealed = seal.seal(account.webhook_secret, context_of(account));
  const SealedPrevious previous(seal, account.previous_webhook_secret, previous_context_of(account));
  connection.prepare(sql)
      .bind(account.weight, Blob{sealed}, previous.blob, previous.until, kCallbackFormats.word(account.callback_format),
            account.https_only, account.version, more...)
      .run();
}

// Binds what may change of a key as ?1 to ?10, `more` after that, and runs the statement.
template <class... More>
void write_key(SqliteConnection& connection, std::string_view sql, const Seal& seal, const ApiKey& key,
               const More&... more) {
  const SealedPrevious previous(seal, key.previous, previous_context_of(key));
  const std::string sealed = seal.seal(key.secret, context_of(key));
  connection.prepare(sql)
      .bind(Blob{sealed}, ms_of(key.revoked), to_string(key.permissions), key.scope.path_prefix,
            texts_to_json(key.scope.buckets), texts_to_json(texts_of(key.networks)), ms_of(key.expires), previous.blob,
            previous.until, key.version, more...)
      .run();
}

}  // namespace

std::string texts_to_json(const std::vector<std::string>& texts) {
  boost::json::array list;
  for (const std::string& text : texts) list.emplace_back(text);
  return boost::json::serialize(list);
}

std::optional<std::vector<std::string>> texts_from_json(const std::string& json) {
  boost::system::error_code failed;
  const auto value = boost::json::parse(json, failed);
  if (failed || !value.is_array()) return std::nullopt;
  std::vector<std::string> texts;
  for (const auto& element : value.as_array()) {
    if (!element.is_string()) return std::nullopt;
    texts.emplace_back(element.as_string());
  }
  return texts;
}

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
  const std::string sealed = seal.seal(bucket.secret_key, context_of(bucket));
  connection.prepare(kPutBucket)
      .bind(bucket.cdn, bucket.bucket, bucket.endpoint, bucket.region, bucket.access_key, Blob{sealed},
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
