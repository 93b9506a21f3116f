// The SQL statements about uploads as doors see them. They stand in one place so that the test of the query plans
// explains these very texts. Columns are read by their names.
#pragma once

#include <string>
#include <string_view>

namespace vodlift::postgres::sql {

// --- Inserting, many at once: values are arrays.

// $1 timestamps, $2 key ids, $3 macs
inline constexpr std::string_view kFindSignatures = R"sql(
  SELECT g.number, s.upload_id FROM unnest($1, $2, $3) WITH ORDINALITY AS g (timestamp_s, key_id, mac, number)
  JOIN signed_requests s ON s.timestamp_s = g.timestamp_s AND s.key_id = g.key_id AND s.mac = g.mac)sql";

// Waits until nobody else inserts an upload to one of these objects: $1 targets, ascending
inline constexpr std::string_view kLockTargets = "SELECT pg_advisory_xact_lock(target) FROM unnest($1) AS t (target)";

// $1 how many
inline constexpr std::string_view kTakeIds = "SELECT nextval('upload_ids') AS id FROM generate_series(1, $1)";

// $1 targets: the newest upload to each that has not ended
inline constexpr std::string_view kChainEnds = R"sql(
  SELECT t.target, o.id FROM unnest($1) AS t (target)
  CROSS JOIN LATERAL (SELECT id FROM open_uploads WHERE target = t.target ORDER BY id DESC LIMIT 1) o)sql";

// $1 ids, ascending: those that have not ended, and that do not end before this transaction does
inline constexpr std::string_view kKeepOpen = R"sql(
  SELECT o.id FROM unnest($1) AS g (id) JOIN open_uploads o ON o.id = g.id FOR KEY SHARE OF o)sql";

// $1 timestamps, $2 key ids, $3 macs, ascending; $4 uploads, NULL for one that takes its id now. Answers those that are
// new.
inline constexpr std::string_view kInsertSignatures = R"sql(
  INSERT INTO signed_requests (timestamp_s, key_id, mac, upload_id)
  SELECT timestamp_s, key_id, mac, coalesce(upload_id, nextval('upload_ids'))
  FROM unnest($1, $2, $3, $4) AS g (timestamp_s, key_id, mac, upload_id)
  ON CONFLICT DO NOTHING RETURNING timestamp_s, key_id, mac, upload_id)sql";

// $1 timestamps, $2 key ids, $3 macs
inline constexpr std::string_view kDropSignatures = R"sql(
  DELETE FROM signed_requests s USING unnest($1, $2, $3) AS g (timestamp_s, key_id, mac)
  WHERE s.timestamp_s = g.timestamp_s AND s.key_id = g.key_id AND s.mac = g.mac)sql";

// $1 ids, $2 accounts, $3 keys, $4 paths, $5 destination paths, $6 buckets, $7 acls, $8 metadata, $9 callbacks,
// $10 options, $11 tokens, $12 sizes, $13 priorities, $14 targets, $15 the uploads that they wait for, $16 storages,
// $17 now
inline constexpr std::string_view kInsertUploads = R"sql(
  WITH given AS (
    SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
      AS g (id, account, key_id, path, destination_path, bucket, acl, metadata, callback, options, token, size, priority,
            target, waiting_on, storage)),
  kept AS (
    INSERT INTO uploads (id, account, key_id, path, destination_path, bucket, acl, metadata, callback, options, token,
                         created_ms)
    SELECT id, account, key_id, path, destination_path, bucket, acl, metadata, callback, options, token, $17 FROM given)
  INSERT INTO open_uploads (id, account, key_id, target, size, created_ms, next_attempt_ms, waiting_on, priority,
                            wants_callback, bucket, storage)
  SELECT id, account, key_id, target, size, $17, $17, waiting_on, priority, callback <> '', bucket, storage
  FROM given)sql";

// $1 the uploads that are repeated, $2 those that repeat them, $3 accounts. Answers the first.
inline constexpr std::string_view kInsertRetries = R"sql(
  INSERT INTO retries (upload_id, retried_as)
  SELECT g.upload_id, max(g.retried_as) FROM unnest($1, $2, $3) AS g (upload_id, retried_as, account)
  JOIN uploads u ON u.id = g.upload_id AND u.account = g.account GROUP BY g.upload_id
  ON CONFLICT (upload_id) DO UPDATE SET retried_as = greatest(retries.retried_as, excluded.retried_as)
  RETURNING upload_id)sql";

// $1 before, $2 how many at most
inline constexpr std::string_view kForgetSignatures = R"sql(
  DELETE FROM signed_requests WHERE (timestamp_s, key_id, mac) IN
    (SELECT timestamp_s, key_id, mac FROM signed_requests WHERE timestamp_s < $1
     ORDER BY timestamp_s, key_id, mac LIMIT $2))sql";

// --- How many uploads there are (count_changes.h)

// $1 accounts, $2 states, $3 uploads, $4 bytes
inline constexpr std::string_view kAddCountChanges =
    "INSERT INTO upload_count_changes (account, state, uploads, bytes) SELECT * FROM unnest($1, $2, $3, $4)";

inline constexpr std::string_view kTryLock = "SELECT pg_try_advisory_xact_lock($1) AS locked";

// $1 how many rows at most, $2 above this id
inline constexpr std::string_view kAddUpCounts = R"sql(
  WITH gone AS (
    DELETE FROM upload_count_changes
    WHERE id IN (SELECT id FROM upload_count_changes WHERE id > $2 ORDER BY id LIMIT $1)
    RETURNING id, account, state, uploads, bytes),
  added AS (
    INSERT INTO upload_counts AS c (account, state, uploads, bytes)
    SELECT account, state, sum(uploads)::bigint, sum(bytes) FROM gone GROUP BY account, state ORDER BY account, state
    ON CONFLICT (account, state) DO UPDATE SET uploads = c.uploads + excluded.uploads, bytes = c.bytes + excluded.bytes)
  SELECT count(*) AS changes,
         CASE WHEN count(*) < $1 THEN (SELECT last_value FROM upload_count_changes_id_seq) ELSE max(id) END AS last
  FROM gone)sql";

inline constexpr std::string_view kCounts = R"sql(
  SELECT account, state, sum(uploads)::bigint AS uploads,
         greatest(least(sum(bytes), 9223372036854775807), 0)::bigint AS bytes
  FROM (SELECT account, state, uploads, bytes FROM upload_counts
        UNION ALL SELECT account, state, uploads, bytes FROM upload_count_changes) AS c
  GROUP BY account, state HAVING sum(uploads) <> 0 ORDER BY account)sql";

// Waits until nobody else decides on uploads of one of these: $1 accounts, ascending
inline constexpr std::string_view kLockAccounts =
    "SELECT pg_advisory_xact_lock(1447839321, hashint8(account)) FROM unnest($1) AS a (account)";

// $1 accounts: how many uploads of each have not ended
inline constexpr std::string_view kOpenCounts = R"sql(
  SELECT g.account, coalesce((SELECT sum(uploads) FROM upload_counts c
                              WHERE c.account = g.account AND state IN ('queued', 'paused', 'uploading')), 0)::bigint
                  + coalesce((SELECT sum(uploads) FROM upload_count_changes c
                              WHERE c.account = g.account AND state IN ('queued', 'paused', 'uploading')), 0)::bigint
                    AS uploads
  FROM unnest($1) AS g (account))sql";

// The same without the changes up to the id $2. While a transaction is open elsewhere, those that are added up are
// still there, and would be stepped over. The condition is a CASE so that no index but that of the ids fits.
inline constexpr std::string_view kNearlyOpenCounts = R"sql(
  SELECT g.account, coalesce((SELECT sum(uploads) FROM upload_counts c
                              WHERE c.account = g.account AND state IN ('queued', 'paused', 'uploading')), 0)::bigint
                  + coalesce(n.uploads, 0)::bigint AS uploads
  FROM unnest($1) AS g (account)
  LEFT JOIN (SELECT account, sum(uploads) AS uploads FROM upload_count_changes
             WHERE id > $2 AND CASE WHEN state IN ('queued', 'paused', 'uploading') THEN account = ANY ($1) END
             GROUP BY account) n ON n.account = g.account)sql";

// --- Partitions

// How many ids the blocks have that are not given yet.
inline constexpr std::string_view kIdsLeft =
    "SELECT (SELECT max(past) FROM upload_blocks) - (SELECT last_value FROM upload_ids) AS ids";
// $1 how many ids
inline constexpr std::string_view kMakeBlock = "SELECT make_block($1)";
inline constexpr std::string_view kDropEmptyBlock = "SELECT drop_empty_block() AS dropped";
inline constexpr std::string_view kForgetMarks = "DELETE FROM commits WHERE at < now() - interval '1 day'";

// --- Looking

#define VODLIFT_UPLOAD_COLUMNS                                                                                 \
  "u.id, u.account, u.path, u.destination_path, u.bucket, u.acl, u.metadata, u.callback, u.token, u.options, " \
  "u.created_ms, coalesce(o.state, e.state) AS state, coalesce(o.priority, e.priority) AS priority, "          \
  "coalesce(o.size, e.size) AS size, coalesce(o.bytes_sent, e.bytes_sent) AS bytes_sent, "                     \
  "coalesce(o.attempts, e.attempts) AS attempts, coalesce(o.fence, e.fence) AS fence, "                        \
  "coalesce(o.started_ms, e.started_ms) AS started_ms, e.finished_ms, "                                        \
  "coalesce(o.attempt_started_ms, e.attempt_started_ms) AS attempt_started_ms, "                               \
  "coalesce(o.attempt_first_byte, e.attempt_first_byte) AS attempt_first_byte, "                               \
  "coalesce(o.next_attempt_ms, 0) AS next_attempt_ms, o.unanswered_ms, o.sent_size, o.sent_crc32c, "           \
  "coalesce(o.only_look, false) AS only_look, e.acl_applied, e.etag, e.checksum, e.version_id, "               \
  "coalesce(o.error_code, e.error_code) AS error_code, coalesce(o.error_message, e.error_message) AS "         \
  "error_message, coalesce(o.error_retryable, e.error_retryable) AS error_retryable, "                         \
  "coalesce(o.error_detail, e.error_detail) AS error_detail, o.wanted "

// $1 ids: newest first
inline constexpr std::string_view kSelectUploads = "SELECT " VODLIFT_UPLOAD_COLUMNS R"sql(,
    r.retried_as, c.state AS callback_state
  FROM unnest($1) AS g (id)
  JOIN uploads u ON u.id = g.id
  LEFT JOIN open_uploads o ON o.id = g.id
  LEFT JOIN ended_uploads e ON e.id = g.id
  LEFT JOIN retries r ON r.upload_id = g.id
  LEFT JOIN callbacks c ON c.upload_id = g.id
  ORDER BY u.id DESC)sql";
#undef VODLIFT_UPLOAD_COLUMNS

// One that has not ended is locked, so that nobody else moves it: $1 id
inline constexpr std::string_view kLockUpload = R"sql(
  SELECT account, state, size, waiting_on, wanted, fence FROM open_uploads WHERE id = $1 FOR UPDATE)sql";

// --- Changes that a client asks for, of an upload that the caller has locked: $1 id

inline constexpr std::string_view kPause =
    "UPDATE open_uploads SET state = 'paused' WHERE id = $1 AND state = 'queued'";
// Due at once, in its old place.
inline constexpr std::string_view kResume = R"sql(
  UPDATE open_uploads SET state = 'queued', next_attempt_ms = created_ms, delayed = false, suspect = false
  WHERE id = $1 AND state = 'paused')sql";
inline constexpr std::string_view kRetryNow = R"sql(
  UPDATE open_uploads SET next_attempt_ms = created_ms, delayed = false WHERE id = $1 AND state = 'queued')sql";
// $2 priority
inline constexpr std::string_view kSetPriority = "UPDATE open_uploads SET priority = $2 WHERE id = $1";
// $2 what
inline constexpr std::string_view kWant = "UPDATE open_uploads SET wanted = $2 WHERE id = $1 AND state = 'uploading'";

// $1 account, $2 bucket, $3 how many at most
inline constexpr std::string_view kWakeBucket = R"sql(
  UPDATE open_uploads SET delayed = false, next_attempt_ms = created_ms WHERE id IN
    (SELECT id FROM open_uploads WHERE account = $1 AND bucket = $2 AND state = 'queued' AND delayed LIMIT $3 FOR UPDATE)
  RETURNING id)sql";

// --- What waits

// Ready to run: the condition of the index.
#define VODLIFT_READY "state = 'queued' AND waiting_on IS NULL AND NOT delayed AND NOT suspect"
// The rows of a recursive `ready`: the storages from which uploads are ready, and NULL at the end.
#define VODLIFT_READY_STORAGES                                                                                    \
  "SELECT (SELECT storage FROM open_uploads WHERE " VODLIFT_READY                                                 \
  " ORDER BY storage LIMIT 1) AS storage UNION ALL SELECT (SELECT storage FROM open_uploads WHERE " VODLIFT_READY \
  " AND storage > r.storage ORDER BY storage LIMIT 1) FROM ready r WHERE r.storage IS NOT NULL"

// $1 priority, $2 how many at most
inline constexpr std::string_view kReady = "WITH RECURSIVE ready AS (" VODLIFT_READY_STORAGES
                                           ")"
                                           R"sql(
  SELECT o.next_attempt_ms, o.rest FROM ready CROSS JOIN LATERAL (
    SELECT next_attempt_ms, size - bytes_sent AS rest FROM open_uploads
    WHERE )sql" VODLIFT_READY R"sql( AND storage = ready.storage AND priority = $1) o
  LIMIT $2)sql";
// $1 priority, $2 how many at most, $3 large, $4 account
inline constexpr std::string_view kReadyOfAccount = "WITH RECURSIVE ready AS (" VODLIFT_READY_STORAGES
                                                    ")"
                                                    R"sql(
  SELECT o.next_attempt_ms, o.rest FROM ready CROSS JOIN LATERAL (
    SELECT next_attempt_ms, size - bytes_sent AS rest FROM open_uploads
    WHERE )sql" VODLIFT_READY R"sql( AND storage = ready.storage AND priority = $1 AND large = $3 AND account = $4) o
  LIMIT $2)sql";
// $1 the time, $2 the node that asks: storages from which uploads are ready, and that nodes have, but no worker which
// was heard of since and has not left
inline constexpr std::string_view kStoragesNowhere = "WITH RECURSIVE ready AS (" VODLIFT_READY_STORAGES
                                                     ")"
                                                     R"sql(
  SELECT storage FROM ready
  WHERE EXISTS (SELECT 1 FROM node_storages s WHERE s.storage = ready.storage) AND NOT EXISTS
    (SELECT 1 FROM node_storages s JOIN nodes n ON n.id = s.node
     WHERE s.storage = ready.storage AND 'worker' = ANY (string_to_array(n.roles, ','))
       AND (n.id = $2 OR (n.left_ms IS NULL AND n.beat_ms >= $1))))sql";
// $1 how many at most: the accounts that have queued uploads
inline constexpr std::string_view kQueuedAccounts = R"sql(
  SELECT account FROM (SELECT account, uploads FROM upload_counts WHERE state = 'queued'
                       UNION ALL SELECT account, uploads FROM upload_count_changes WHERE state = 'queued') AS c
  GROUP BY account HAVING sum(uploads) > 0 LIMIT $1)sql";
// $1 accounts
inline constexpr std::string_view kOldestQueued = R"sql(
  SELECT min(o.created_ms) AS created_ms FROM unnest($1) AS g (account)
  CROSS JOIN LATERAL (SELECT created_ms FROM open_uploads WHERE account = g.account AND state = 'queued'
                      ORDER BY id LIMIT 1) o)sql";

// --- Lists (upload_lists.h)

// The newest of all, $1 limit, $2 offset
inline constexpr std::string_view kNewestOfAll = "SELECT id FROM uploads ORDER BY id DESC LIMIT $1 OFFSET $2";

// What a filter looks at, of the newest of all: $1 before, $2 how many at most
inline constexpr std::string_view kOlder = R"sql(
  SELECT u.id, u.account, coalesce(o.state, e.state) AS state, coalesce(o.priority, e.priority) AS priority,
         coalesce(o.error_code, e.error_code) AS error_code, u.path, u.destination_path, u.bucket, u.created_ms
  FROM (SELECT * FROM uploads WHERE id < $1 ORDER BY id DESC LIMIT $2) AS u
  LEFT JOIN open_uploads o ON o.id = u.id LEFT JOIN ended_uploads e ON e.id = u.id
  ORDER BY u.id DESC)sql";

// $1 id: the last upload up to this one
inline constexpr std::string_view kCreatedUpTo =
    "SELECT id, created_ms FROM uploads WHERE id <= $1 ORDER BY id DESC LIMIT 1";

}  // namespace vodlift::postgres::sql
