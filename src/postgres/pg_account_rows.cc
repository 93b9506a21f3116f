#include "postgres/pg_account_rows.h"

#include "postgres/account_statements.h"

namespace vodlift::postgres {
namespace {

std::optional<std::int64_t> time_column(const std::optional<WallTime>& time) {
  return time ? std::optional(to_unix_ms(*time)) : std::nullopt;
}

// Refers to `text`.
std::optional<Bytes> bytes_column(const std::optional<std::string>& text) {
  return text ? std::optional(Bytes{*text}) : std::nullopt;
}

template <class Stored>
Result<> load(PgResult row, const Seal& seal, std::vector<Stored>& rows) {
  while (row.next()) {
    if (auto read = read_row(row, seal, rows.emplace_back()); !read) return read;
  }
  return {};
}

// Gives the statement what may change of an account, and `more` after that.
template <class... More>
PgResult write_account(PgConnection& connection, std::string_view statement, const Seal& seal, const Account& account,
                       const More&... more) {
  const SealedSecrets sealed = sealed_secrets(seal, account);
  return connection.run(statement, account.weight, Bytes{sealed.secret}, bytes_column(sealed.previous),
                        sealed.previous_until_ms, kCallbackFormats.word(account.callback_format), account.https_only,
                        account.uploads_at_once, account.version, more...);
}

template <class... More>
PgResult write_key(PgConnection& connection, std::string_view statement, const Seal& seal, const ApiKey& key,
                   const More&... more) {
  const SealedSecrets sealed = sealed_secrets(seal, key);
  return connection.run(statement, Bytes{sealed.secret}, time_column(key.revoked), to_string(key.permissions),
                        Bytes{key.scope.path_prefix}, texts_to_json(key.scope.buckets), networks_to_json(key.networks),
                        time_column(key.expires), bytes_column(sealed.previous), sealed.previous_until_ms, key.version,
                        more...);
}

}  // namespace

Result<AccountRows> load_rows(PgConnection& connection, const Seal& seal, std::int64_t version) {
  AccountRows rows;
  if (auto loaded = load(connection.run(sql::kSelectAccounts, version), seal, rows.accounts); !loaded) {
    return loaded.error();
  }
  if (auto loaded = load(connection.run(sql::kSelectKeys, version), seal, rows.keys); !loaded) return loaded.error();
  if (auto loaded = load(connection.run(sql::kSelectBuckets, version), seal, rows.buckets); !loaded) {
    return loaded.error();
  }
  return rows;
}

void insert_row(PgConnection& connection, const Seal& seal, const Account& account) {
  write_account(connection, sql::kInsertAccount, seal, account, account.cdn, account.user, to_unix_ms(account.created));
}

std::int64_t insert_row(PgConnection& connection, const Seal& seal, const ApiKey& key) {
  auto row = write_key(connection, sql::kInsertKey, seal, key, key.cdn, key.api_key, to_unix_ms(key.created));
  return row.next() ? row.integer("id") : 0;
}

void put_row(PgConnection& connection, const Seal& seal, const BucketAccess& bucket) {
  const SealedSecrets sealed = sealed_secrets(seal, bucket);
  connection.run(sql::kPutBucket, bucket.cdn, Bytes{bucket.bucket}, bucket.endpoint, bucket.region, bucket.access_key,
                 Bytes{sealed.secret}, bucket.path_style, to_string(bucket.acl_policy), to_unix_ms(bucket.created),
                 to_string(bucket.credentials.source), bucket.credentials.profile, bucket.credentials.role_arn,
                 bucket.credentials.external_id, to_string(bucket.encryption.mode), bucket.encryption.kms_key,
                 bucket.encryption.bucket_key, bucket.max_parts, bucket.part_size, bucket.version,
                 time_column(bucket.removing));
}

bool update_row(PgConnection& connection, const Seal& seal, const Account& account, std::int64_t expected) {
  return write_account(connection, sql::kUpdateAccount, seal, account, account.cdn, expected).changes() == 1;
}

bool update_row(PgConnection& connection, const Seal& seal, const ApiKey& key, std::int64_t expected) {
  return write_key(connection, sql::kUpdateKey, seal, key, key.id, expected).changes() == 1;
}

}  // namespace vodlift::postgres
