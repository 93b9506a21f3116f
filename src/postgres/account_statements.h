// The SQL statements about accounts, keys, buckets, and bandwidth limits.
#pragma once

#include <cstdint>
#include <string_view>

namespace vodlift::postgres::sql {

inline constexpr std::string_view kHoldsCanary = "SELECT count(*) AS found FROM seal_canary";
inline constexpr std::string_view kSelectCanary = "SELECT sealed FROM seal_canary WHERE id = 1";
inline constexpr std::string_view kInsertCanary =
    "INSERT INTO seal_canary (id, sealed) VALUES (1, $1) ON CONFLICT DO NOTHING";

inline constexpr std::string_view kAccountsVersion = "SELECT value FROM counters WHERE name = 'accounts'";
// It locks the row until the commit: versions become visible in their order.
inline constexpr std::string_view kNextAccountsVersion =
    "UPDATE counters SET value = value + 1 WHERE name = 'accounts' RETURNING value";
inline constexpr std::string_view kLastRemoval = "SELECT value FROM counters WHERE name = 'accounts_removed'";

inline constexpr std::string_view kAccountRemoving = "SELECT removing_ms FROM accounts WHERE cdn = $1";
inline constexpr std::string_view kBucketRemoving = "SELECT removing_ms FROM buckets WHERE cdn = $1 AND bucket = $2";
inline constexpr std::string_view kAccountOfUser = R"sql(SELECT cdn FROM accounts WHERE "user" = $1)sql";
inline constexpr std::string_view kKeyOfName = "SELECT id FROM api_keys WHERE api_key = $1";

// Rows with a version above $1

inline constexpr std::string_view kSelectAccounts = R"sql(
  SELECT cdn, "user", webhook_secret, previous_secret, previous_until_ms, callback_format, https_only, created_ms, weight,
         uploads_at_once, removing_ms, version
  FROM accounts WHERE version > $1)sql";
inline constexpr std::string_view kSelectKeys = R"sql(
  SELECT id, cdn, api_key, secret, created_ms, revoked_ms, permissions, path_prefix, buckets, networks, expires_ms,
         previous_secret, previous_until_ms, last_used_ms, removing_ms, version
  FROM api_keys WHERE version > $1)sql";
inline constexpr std::string_view kSelectBuckets = R"sql(
  SELECT cdn, bucket, endpoint, region, access_key, secret_key, path_style, acl_policy, created_ms, credentials, profile,
         role_arn, external_id, sse, kms_key, sse_bucket_key, max_parts, part_size, removing_ms, version
  FROM buckets WHERE version > $1)sql";

// What may change of an account: $1 weight, $2 webhook secret, $3 previous secret, $4 previous until, $5 callback
// format, $6 https only, $7 uploads at once, $8 version
inline constexpr std::string_view kInsertAccount = R"sql(
  INSERT INTO accounts (weight, webhook_secret, previous_secret, previous_until_ms, callback_format, https_only,
                        uploads_at_once, version, cdn, "user", created_ms)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11))sql";
// $9 cdn, $10 the version that it must have
inline constexpr std::string_view kUpdateAccount = R"sql(
  UPDATE accounts SET weight = $1, webhook_secret = $2, previous_secret = $3, previous_until_ms = $4,
                      callback_format = $5, https_only = $6, uploads_at_once = $7, version = $8
  WHERE cdn = $9 AND version = $10)sql";

// What may change of a key: $1 secret, $2 revoked, $3 permissions, $4 path prefix, $5 buckets, $6 networks, $7 expires,
// $8 previous secret, $9 previous until, $10 version
inline constexpr std::string_view kInsertKey = R"sql(
  INSERT INTO api_keys (secret, revoked_ms, permissions, path_prefix, buckets, networks, expires_ms, previous_secret,
                        previous_until_ms, version, cdn, api_key, created_ms)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id)sql";
// $11 id, $12 the version that it must have
inline constexpr std::string_view kUpdateKey = R"sql(
  UPDATE api_keys SET secret = $1, revoked_ms = $2, permissions = $3, path_prefix = $4, buckets = $5, networks = $6,
                      expires_ms = $7, previous_secret = $8, previous_until_ms = $9, version = $10
  WHERE id = $11 AND version = $12)sql";
// $1 ids, $2 times, $3 version
inline constexpr std::string_view kUseKeys = R"sql(
  UPDATE api_keys k SET last_used_ms = g.used_ms, version = $3
  FROM (SELECT id, max(used_ms) AS used_ms FROM unnest($1, $2) AS u (id, used_ms) GROUP BY id) AS g
  WHERE k.id = g.id AND (k.last_used_ms IS NULL OR k.last_used_ms < g.used_ms))sql";

// The columns in the order of kSelectBuckets, but `removing_ms` after `version`
inline constexpr std::string_view kPutBucket = R"sql(
  INSERT INTO buckets (cdn, bucket, endpoint, region, access_key, secret_key, path_style, acl_policy, created_ms,
                       credentials, profile, role_arn, external_id, sse, kms_key, sse_bucket_key, max_parts, part_size,
                       version, removing_ms)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
  ON CONFLICT (cdn, bucket) DO UPDATE SET
    endpoint = excluded.endpoint, region = excluded.region, access_key = excluded.access_key,
    secret_key = excluded.secret_key, path_style = excluded.path_style, acl_policy = excluded.acl_policy,
    created_ms = excluded.created_ms, credentials = excluded.credentials, profile = excluded.profile,
    role_arn = excluded.role_arn, external_id = excluded.external_id, sse = excluded.sse, kms_key = excluded.kms_key,
    sse_bucket_key = excluded.sse_bucket_key, max_parts = excluded.max_parts, part_size = excluded.part_size,
    version = excluded.version, removing_ms = excluded.removing_ms)sql";

// --- Removal. $1 cdn, $2 since, $3 version, $4 name (of a bucket: bytes)

inline constexpr std::string_view kMarkAccount = R"sql(
  UPDATE accounts SET removing_ms = CASE WHEN $2 IS NULL THEN NULL ELSE coalesce(removing_ms, $2) END, version = $3
  WHERE cdn = $1)sql";
inline constexpr std::string_view kMarkKey = R"sql(
  UPDATE api_keys SET removing_ms = CASE WHEN $2 IS NULL THEN NULL ELSE coalesce(removing_ms, $2) END, version = $3
  WHERE cdn = $1 AND api_key = $4)sql";
inline constexpr std::string_view kMarkBucket = R"sql(
  UPDATE buckets SET removing_ms = CASE WHEN $2 IS NULL THEN NULL ELSE coalesce(removing_ms, $2) END, version = $3
  WHERE cdn = $1 AND bucket = $4)sql";

// Uploads that have not ended: $1 account, $2 limit, $3 key or NULL, $4 bucket or NULL
inline constexpr std::string_view kOpenOf = R"sql(
  SELECT id, state, wanted FROM open_uploads
  WHERE account = $1 AND ($3 IS NULL OR key_id = $3) AND ($4 IS NULL OR bucket = $4) LIMIT $2)sql";
// Callbacks that wait for their delivery: the same
inline constexpr std::string_view kCallbacksOf = R"sql(
  SELECT count(*) AS found FROM (
    SELECT 1 FROM callbacks c
    WHERE c.account = $1 AND c.state = 'pending'
      AND (($3 IS NULL AND $4 IS NULL) OR EXISTS (
        SELECT 1 FROM uploads u WHERE u.id = c.upload_id AND ($3 IS NULL OR u.key_id = $3)
                                  AND ($4 IS NULL OR u.bucket = $4)))
    LIMIT $2) AS f)sql";
// What uploads have left at the store. What is in use is an upload's that has not ended. $1 account, $2 bucket or NULL
inline constexpr std::string_view kMultipartsOf = R"sql(
  SELECT count(*) AS found FROM multipart_ledger
  WHERE account = $1 AND left_ms IS NOT NULL AND ($2 IS NULL OR bucket = $2))sql";
inline constexpr std::string_view kKeysOfAccount = "SELECT count(*) AS found FROM api_keys WHERE cdn = $1";
inline constexpr std::string_view kBucketsOfAccount = "SELECT count(*) AS found FROM buckets WHERE cdn = $1";
// Expired ones too: they go in the same way.
inline constexpr std::string_view kTokensOfAccount = "SELECT count(*) AS found FROM access_tokens WHERE cdn = $1";

inline constexpr std::string_view kRemember = R"sql(
  INSERT INTO former_accounts (cdn, "user", removed_ms) SELECT cdn, "user", $2 FROM accounts WHERE cdn = $1
  ON CONFLICT (cdn) DO UPDATE SET "user" = excluded."user", removed_ms = excluded.removed_ms)sql";
inline constexpr std::string_view kRemoveKeys = "DELETE FROM api_keys WHERE cdn = $1";
inline constexpr std::string_view kRemoveBuckets = "DELETE FROM buckets WHERE cdn = $1";
// The account that gets the number later may be another customer's.
inline constexpr std::string_view kRemoveTokens = "DELETE FROM access_tokens WHERE cdn = $1";
inline constexpr std::string_view kRemoveAccount = "DELETE FROM accounts WHERE cdn = $1";
inline constexpr std::string_view kRemoveKey = "DELETE FROM api_keys WHERE cdn = $1 AND api_key = $2";
inline constexpr std::string_view kRemoveBucket = "DELETE FROM buckets WHERE cdn = $1 AND bucket = $2";
// $1 version, $2 now
inline constexpr std::string_view kNoteRemoval = R"sql(
  UPDATE counters SET value = CASE name WHEN 'accounts_removed' THEN $1 ELSE $2 END
  WHERE name IN ('accounts_removed', 'removed_ms'))sql";

// A removal waits for inserts that are under way, and inserts that come later see it. $1 the lock
inline constexpr std::string_view kLockAlone = "SELECT pg_advisory_xact_lock($1)";
inline constexpr std::string_view kLockShared = "SELECT pg_advisory_xact_lock_shared($1)";
inline constexpr std::int64_t kRemovalLock = 1447839321;
inline constexpr std::string_view kLastRemovalTime = "SELECT value FROM counters WHERE name = 'removed_ms'";
// $1 accounts, $2 buckets, $3 keys (0: none): whether these are there
inline constexpr std::string_view kAreThere = R"sql(
  SELECT g.number, EXISTS (SELECT 1 FROM buckets b WHERE b.cdn = g.account AND b.bucket = g.bucket) AS has_bucket,
         g.key_id = 0 OR EXISTS (SELECT 1 FROM api_keys k WHERE k.id = g.key_id) AS has_key
  FROM unnest($1, $2, $3) WITH ORDINALITY AS g (account, bucket, key_id, number))sql";

inline constexpr std::string_view kFormerUser = R"sql(SELECT "user" FROM former_accounts WHERE cdn = $1)sql";
// Whether the account has any upload, in any state: $1 account
inline constexpr std::string_view kAnyUpload = R"sql(
  SELECT EXISTS (SELECT 1 FROM open_uploads WHERE account = $1)
         OR EXISTS (SELECT 1 FROM ended_uploads WHERE account = $1) AS found)sql";
inline constexpr std::string_view kForgetFormer = "DELETE FROM former_accounts WHERE cdn = $1";
inline constexpr std::string_view kForgetStatistics = "DELETE FROM statistics WHERE account = $1";
inline constexpr std::string_view kForgetStatisticsBuckets = "DELETE FROM statistics_buckets WHERE account = $1";

// --- Bandwidth limits

inline constexpr std::string_view kSelectLimits =
    "SELECT scope, account, name, rate, windows, time_zone FROM bandwidth_limits ORDER BY scope, account, name";
inline constexpr std::string_view kCountLimits = "SELECT count(*) AS found FROM bandwidth_limits";
inline constexpr std::string_view kPutLimit = R"sql(
  INSERT INTO bandwidth_limits (scope, account, name, rate, windows, time_zone) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (scope, account, name) DO UPDATE SET rate = $4, windows = $5, time_zone = $6)sql";
inline constexpr std::string_view kRemoveLimit =
    "DELETE FROM bandwidth_limits WHERE scope = $1 AND account = $2 AND name = $3";

// --- Shares of these limits
inline constexpr std::int64_t kSharesLock = 1447839322;
// Nodes that send files: $1 signs of life after this
inline constexpr std::string_view kCountWorkers = R"sql(
  SELECT count(*) AS nodes FROM nodes WHERE left_ms IS NULL AND beat_ms >= $1 AND roles LIKE '%worker%')sql";
// $1 node, $2 now, $3 scopes, $4 accounts, $5 names: what others hold of these
inline constexpr std::string_view kSharesOfOthers = R"sql(
  SELECT g.number, s.wish, s.senders, s.rate
  FROM unnest($3, $4, $5) WITH ORDINALITY AS g (scope, account, name, number)
  JOIN bandwidth_shares s ON s.scope = g.scope AND s.account = g.account AND s.name = g.name
  WHERE s.node <> $1 AND s.until_ms > $2)sql";
// $1 node, $2 until, $3 scopes, $4 accounts, $5 names, $6 wishes, $7 senders, $8 rates
inline constexpr std::string_view kPutShares = R"sql(
  INSERT INTO bandwidth_shares (node, until_ms, scope, account, name, wish, senders, rate)
  SELECT $1, $2, * FROM unnest($3, $4, $5, $6, $7, $8)
  ON CONFLICT (scope, account, name, node) DO UPDATE SET
    until_ms = excluded.until_ms, wish = excluded.wish, senders = excluded.senders, rate = excluded.rate)sql";
// $1 node, $2 scopes, $3 accounts, $4 names of what it keeps, $5 now: all else of its own, and what is over
inline constexpr std::string_view kDropShares = R"sql(
  DELETE FROM bandwidth_shares s
  WHERE s.until_ms <= $5
     OR s.node = $1 AND NOT EXISTS (SELECT 1 FROM unnest($2, $3, $4) AS g (scope, account, name)
                                    WHERE g.scope = s.scope AND g.account = s.account AND g.name = s.name))sql";
// $1 node
inline constexpr std::string_view kOwnShares = "SELECT 1 FROM bandwidth_shares WHERE node = $1 LIMIT 1";
inline constexpr std::string_view kDropAllShares = "DELETE FROM bandwidth_shares WHERE node = $1";

}  // namespace vodlift::postgres::sql
