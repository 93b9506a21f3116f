// The SQL statements of the workers' side of the queue: claims, leases, ends. The test of the query plans explains
// these very texts. States are written out, so that the partial indexes fit.
#pragma once

#include <string_view>

#include "postgres/upload_statements.h"

namespace vodlift::postgres::sql {

// --- Uploads that have not ended, before they are changed

// $1 ids: locks those that have not ended, in the order of their ids
inline constexpr std::string_view kLockOpen = R"sql(
  SELECT o.id, o.account, o.state, o.size, o.waiting_on, o.wanted, o.fence, o.wants_callback, o.attempts,
         o.attempt_started_ms, o.attempt_first_byte, o.bytes_sent, o.owner
  FROM unnest($1) AS g (id) JOIN open_uploads o ON o.id = g.id ORDER BY o.id FOR UPDATE OF o)sql";

// $1 ids: what an end has to see to
inline constexpr std::string_view kBelongings = R"sql(
  SELECT g.id, EXISTS (SELECT 1 FROM multiparts m WHERE m.upload_id = g.id) AS has_journal,
         EXISTS (SELECT 1 FROM multipart_ledger l WHERE l.upload_id = g.id) AS in_ledger
  FROM unnest($1) AS g (id))sql";

// --- Ends

// $1 ids, $2 states, $3 sizes (NULL: as it was), $4 acls applied, $5 etags, $6 checksums, $7 version ids, $8 codes,
// $9 messages, $10 retryable, $11 details (of an error; NULL: as it was, but none once it is completed), $12 now
inline constexpr std::string_view kEnd = R"sql(
  WITH gone AS (
    DELETE FROM open_uploads o
    USING unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
      AS g (id, state, size, acl_applied, etag, checksum, version_id, code, message, retryable, detail)
    WHERE o.id = g.id
    RETURNING o.id, o.account, o.size AS old_size, o.bytes_sent, o.fence, o.started_ms, o.attempt_started_ms,
              o.attempt_first_byte, o.attempts, o.priority, o.error_code, o.error_message, o.error_retryable,
              o.error_detail, g.state, g.size, g.acl_applied, g.etag, g.checksum, g.version_id, g.code, g.message,
              g.retryable, g.detail)
  INSERT INTO ended_uploads (id, account, size, bytes_sent, fence, started_ms, finished_ms, attempt_started_ms,
                             attempt_first_byte, attempts, priority, state, acl_applied, etag, checksum, version_id,
                             error_code, error_message, error_retryable, error_detail)
  SELECT id, account, coalesce(size, old_size), coalesce(size, bytes_sent), fence, started_ms, $12, attempt_started_ms,
         attempt_first_byte, attempts, priority, state, acl_applied, etag, checksum, version_id,
         CASE WHEN state <> 'completed' THEN coalesce(code, error_code) END,
         CASE WHEN state <> 'completed' THEN coalesce(message, error_message) END,
         CASE WHEN state <> 'completed' THEN coalesce(retryable, error_retryable) END,
         CASE WHEN state <> 'completed' THEN coalesce(detail, error_detail) END
  FROM gone)sql";

// $1 uploads that ended, $2 the uploads that they waited for, normally none: their successors wait for these now.
// Answers the ended uploads that had one, and their successors.
inline constexpr std::string_view kReleaseSuccessors = R"sql(
  UPDATE open_uploads o SET waiting_on = g.next FROM unnest($1, $2) AS g (id, next) WHERE o.waiting_on = g.id
  RETURNING g.id AS ended, o.id AS successor)sql";

// --- Giving back: $1 id, $2 fence; of one that is locked, and known to be held

// $3 the next attempt (NULL: at once, in the place that it had when it was created), $4-$6 error (NULL: as it was),
// $7 interrupted, $8 crashes to add, $9 when a request was sent whose answer is not known (NULL: none was), $10 and $11
// size and CRC32C of what it sent (NULL: not known), $12 only to be looked for, $13 crashes alone to add, $14 the
// crashes that make it a suspect, $15 the error's detail. One that was given back before anything was sent has not
// started.
inline constexpr std::string_view kRequeue = R"sql(
  UPDATE open_uploads SET
    state = 'queued', lease_until_ms = NULL, owner = NULL, owner_term = NULL,
    next_attempt_ms = coalesce($3, created_ms), delayed = $3 IS NOT NULL,
    error_code = coalesce($4, error_code), error_message = coalesce($5, error_message),
    error_retryable = coalesce($6, error_retryable), error_detail = coalesce($15, error_detail),
    interrupted = $7, crashes = crashes + $8,
    started_ms = CASE WHEN $4 IS NULL AND $7 AND $8 = 0 AND $9 IS NULL AND bytes_sent = 0
                           AND started_ms = attempt_started_ms THEN NULL ELSE started_ms END,
    sent_size = CASE WHEN $9 IS NULL THEN sent_size ELSE $10 END,
    sent_crc32c = CASE WHEN $9 IS NULL THEN sent_crc32c ELSE $11 END,
    unanswered_ms = coalesce($9, unanswered_ms), only_look = only_look OR $12, wanted = '',
    crashes_alone = crashes_alone + $13, suspect = ($8 > 0 AND crashes + $8 >= $14)
  WHERE id = $1 AND fence = $2)sql";

// --- Attempts

// $1 uploads: the last entry of each
inline constexpr std::string_view kLastAttempts = R"sql(
  SELECT a.* FROM unnest($1) AS g (id)
  CROSS JOIN LATERAL (SELECT * FROM upload_attempts WHERE upload_id = g.id ORDER BY fence DESC LIMIT 1) a)sql";

// $1 upload, $2 how many at most: the last entries, the last first
inline constexpr std::string_view kAttemptsOf = R"sql(
  SELECT fence, number, times, how, error_code, error_message, error_retryable, error_detail, started_ms, ended_ms,
         first_byte, last_byte, node
  FROM upload_attempts WHERE upload_id = $1 ORDER BY fence DESC LIMIT $2)sql";

inline constexpr std::string_view kPutAttempt = R"sql(
  INSERT INTO upload_attempts AS a (upload_id, fence, number, times, how, error_code, error_message, error_retryable,
                                    error_detail, started_ms, ended_ms, first_byte, last_byte, node)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
  ON CONFLICT (upload_id, fence) DO UPDATE SET
    number = excluded.number, times = excluded.times, how = excluded.how, error_code = excluded.error_code,
    error_message = excluded.error_message, error_retryable = excluded.error_retryable,
    error_detail = excluded.error_detail, started_ms = excluded.started_ms, ended_ms = excluded.ended_ms,
    first_byte = excluded.first_byte, last_byte = excluded.last_byte, node = excluded.node)sql";

// $1 upload, $2 how many may stay: of more, interruptions go first, and then the oldest
inline constexpr std::string_view kForgetAttempts = R"sql(
  DELETE FROM upload_attempts WHERE upload_id = $1 AND fence IN
    (SELECT fence FROM upload_attempts WHERE upload_id = $1 ORDER BY how = 'interrupted' DESC, fence
     LIMIT greatest(0, (SELECT count(*) FROM upload_attempts WHERE upload_id = $1) - $2)))sql";

// --- Claims

// A column of a storage in `table`: whether the node $1 may take uploads from it. A node takes those from storages that
// it has, and those from storages that no node has: whoever gets these ends them.
#define VODLIFT_TAKES(table) \
  "coalesce((SELECT bool_or(n.node = $1) FROM node_storages n WHERE n.storage = " table ".storage), true)"

// $1 node: the storages from which uploads are ready that it may take. It jumps from storage to storage in the index.
inline constexpr std::string_view kStoragesToTake = "WITH RECURSIVE ready AS (" VODLIFT_READY_STORAGES
                                                    ")"
                                                    R"sql(
  SELECT storage FROM ready WHERE storage IS NOT NULL AND )sql" VODLIFT_TAKES("ready");

// $1 the storages, here and in what follows; $2 a priority: the highest one, up to this, that has any.
inline constexpr std::string_view kNextReadyPriority = R"sql(
  SELECT max(o.priority)::bigint AS priority FROM unnest($1) AS s (storage)
  CROSS JOIN LATERAL (SELECT priority FROM open_uploads
                      WHERE )sql" VODLIFT_READY R"sql( AND storage = s.storage AND priority <= $2
                      ORDER BY priority DESC LIMIT 1) o)sql";

// $2 priority, $3 with large ones, $4 and $5 the first account and the one that is too far, $6 how many at most: the
// accounts that have any, ascending. It jumps from account to account in the index.
#define VODLIFT_FIRST_ACCOUNT(when, large, from)                              \
  "(SELECT min(o.account) FROM unnest($1) AS s (storage) CROSS JOIN LATERAL " \
  "(SELECT account FROM open_uploads WHERE " VODLIFT_READY " AND " when       \
  " AND storage = s.storage AND priority = $2 AND large = " large " AND account " from " ORDER BY account LIMIT 1) o)"
inline constexpr std::string_view kReadyAccounts =
    "WITH RECURSIVE found AS (SELECT least(" VODLIFT_FIRST_ACCOUNT("true", "false", ">= $4") ", " VODLIFT_FIRST_ACCOUNT(
        "$3", "true", ">= $4") ") AS account UNION ALL SELECT least(" VODLIFT_FIRST_ACCOUNT("true", "false",
                                                                                            "> f.account") ", "
    VODLIFT_FIRST_ACCOUNT("$3", "true", "> f.account") R"sql()
    FROM found f WHERE f.account < $5)
  SELECT account FROM found WHERE account < $5 LIMIT $6)sql";
#undef VODLIFT_FIRST_ACCOUNT

// $2 priority, $3 accounts, $4 and $5 how many small and large ones of each at most, $6 with buckets: their uploads,
// the longest waiting first, with the accounts' weights
#define VODLIFT_HEADS(large, most)                                                                               \
  "(SELECT o.* FROM unnest($1) AS s (storage) CROSS JOIN LATERAL "                                               \
  "(SELECT id, size - bytes_sent AS rest, large, bucket, next_attempt_ms FROM open_uploads WHERE " VODLIFT_READY \
  " AND storage = s.storage AND priority = $2 AND large = " large                                                \
  " AND account = g.account ORDER BY next_attempt_ms, id LIMIT " most                                            \
  ") o ORDER BY o.next_attempt_ms, o.id LIMIT " most ")"
inline constexpr std::string_view kReadyHeads = R"sql(
  SELECT g.number, h.id, h.rest, h.large, CASE WHEN $6 THEN h.bucket END AS bucket,
         coalesce((SELECT weight FROM accounts WHERE cdn = g.account), 1) AS weight
  FROM unnest($3) WITH ORDINALITY AS g (account, number)
  CROSS JOIN LATERAL ()sql" VODLIFT_HEADS("false", "$4") " UNION ALL " VODLIFT_HEADS("true", "$5") R"sql() h
  ORDER BY g.number, h.next_attempt_ms, h.id)sql";
#undef VODLIFT_HEADS

// The places of pg_candidates.h in their order: $1 node, $2 how many at most, $3 to $6 the place that they come after.
// It jumps from place to place in the index.
#define VODLIFT_PLACE "storage, priority, large, account"
#define VODLIFT_FIRST_OF_PLACE(after)                                                          \
  "SELECT " VODLIFT_PLACE ", next_attempt_ms, id FROM open_uploads WHERE " VODLIFT_READY after \
  " ORDER BY " VODLIFT_PLACE ", next_attempt_ms, id LIMIT 1"
inline constexpr std::string_view kReadyPlaces = "WITH RECURSIVE place AS ((" VODLIFT_FIRST_OF_PLACE(
    " AND (" VODLIFT_PLACE ") > ($3, $4, $5, $6)") ") UNION ALL SELECT n.* FROM place p CROSS JOIN LATERAL (" VODLIFT_FIRST_OF_PLACE(" AND (" VODLIFT_PLACE
                                                                                          ") > (p.storage, "
                                                                                          "p.priority, p.large, "
                                                                                          "p.account)") R"sql() n)
  SELECT * FROM place WHERE )sql" VODLIFT_TAKES("place") " LIMIT $2";
#undef VODLIFT_FIRST_OF_PLACE
#undef VODLIFT_PLACE

// $1 node, $2 uploads: the places of those that are ready
inline constexpr std::string_view kPlacesOf = R"sql(
  SELECT o.storage, o.priority, o.large, o.account, o.next_attempt_ms, o.id
  FROM unnest($2) AS g (id) JOIN open_uploads o ON o.id = g.id
  WHERE CASE o.state WHEN 'queued' THEN o.waiting_on IS NULL AND NOT o.delayed AND NOT o.suspect AND )sql" VODLIFT_TAKES(
    "o") R"sql( ELSE false END)sql";

// As kReadyHeads, of places: $1 storages, $2 priority, $3 large, $4 accounts, $5 their numbers, $6 and $7 where each
// begins, $8 and $9 how many small and large ones at most, $10 with buckets
inline constexpr std::string_view kHeadsOfPlaces = R"sql(
  SELECT g.number, g.place, h.id, h.rest, g.large, h.next_attempt_ms, CASE WHEN $10 THEN h.bucket END AS bucket,
         coalesce((SELECT weight FROM accounts WHERE cdn = g.account), 1) AS weight
  FROM unnest($1, $3, $4, $5, $6, $7) WITH ORDINALITY AS g (storage, large, account, number, from_ms, from_id, place)
  CROSS JOIN LATERAL (SELECT id, size - bytes_sent AS rest, bucket, next_attempt_ms FROM open_uploads WHERE )sql" VODLIFT_READY
                                                   R"sql( AND storage = g.storage AND priority = $2 AND large = g.large
                     AND account = g.account AND (next_attempt_ms, id) >= (g.from_ms, g.from_id)
                     ORDER BY next_attempt_ms, id LIMIT CASE WHEN g.large THEN $9 ELSE $8 END) h
  ORDER BY g.number, h.next_attempt_ms, h.id)sql";

// $1 node, $2 its term, $3 ids, $4 the leases' end, $5 now. Those that another node has just locked are left out. The
// condition is a CASE so that no index but that of the ids fits.
inline constexpr std::string_view kClaim = R"sql(
  WITH free AS MATERIALIZED (
    SELECT o.id FROM unnest($3) AS g (id) CROSS JOIN LATERAL (
      SELECT id FROM open_uploads
      WHERE id = g.id AND CASE state WHEN 'queued' THEN waiting_on IS NULL AND NOT delayed AND )sql" VODLIFT_TAKES(
    "open_uploads") R"sql( ELSE false END
      FOR UPDATE SKIP LOCKED) o)
  UPDATE open_uploads o SET
    state = 'uploading', fence = o.fence + 1, lease_until_ms = $4, owner = $1, owner_term = $2,
    attempts = o.attempts + CASE WHEN o.interrupted THEN 0 ELSE 1 END, interrupted = false, suspect = false,
    started_ms = coalesce(o.started_ms, $5), attempt_started_ms = $5, attempt_first_byte = o.bytes_sent
  FROM free f JOIN uploads u ON u.id = f.id
  WHERE o.id = f.id
  RETURNING u.id, u.account, u.path, u.destination_path, u.bucket, u.acl, u.metadata, u.callback, u.token, u.options,
            u.created_ms, o.state, o.priority, o.size, o.bytes_sent, o.attempts, o.fence, o.started_ms,
            NULL::bigint AS finished_ms, o.attempt_started_ms, o.attempt_first_byte, o.next_attempt_ms, o.unanswered_ms,
            o.sent_size, o.sent_crc32c, o.only_look, NULL::text AS acl_applied, ''::bytea AS etag,
            ''::bytea AS checksum, ''::bytea AS version_id, o.error_code, o.error_message, o.error_retryable,
            o.error_detail, NULL::text AS callback_state,
            (SELECT r.retried_as FROM retries r WHERE r.upload_id = o.id) AS retried_as,
            coalesce((SELECT a.weight FROM accounts a WHERE a.cdn = o.account), 1) AS weight,
            (SELECT count(*) FROM node_storages n WHERE n.storage = o.storage) > 0 AS storage_is_known)sql";

// --- Leases

// $1 node, $2 its term: all that it holds
inline constexpr std::string_view kLeasesOf = R"sql(
  SELECT id, fence, lease_until_ms, wanted <> '' AS recalled FROM open_uploads
  WHERE state = 'uploading' AND owner = $1 AND owner_term = $2)sql";

// $1 node, $2 its term, $3 until: one row for all its leases
inline constexpr std::string_view kRenewNode =
    "UPDATE nodes SET leases_until_ms = greatest(leases_until_ms, $3) WHERE id = $1 AND term = $2";

// $1 ids, $2 fences, $3 until: some leases only
inline constexpr std::string_view kRenewSome = R"sql(
  UPDATE open_uploads o SET lease_until_ms = $3 FROM unnest($1, $2) AS g (id, fence)
  WHERE o.id = g.id AND o.fence = g.fence AND o.lease_until_ms IS NOT NULL)sql";

// Leases that expired, by themselves and by their node: $1 now, $2 unused, $3 how many at most. What others take back
// at the same time is left to them.
inline constexpr std::string_view kExpiredLeases = R"sql(
  SELECT o.id, o.crashes_alone, o.only_look, o.owner, o.owner_term FROM open_uploads o
  WHERE o.state = 'uploading' AND o.lease_until_ms <= $1 AND $2 = 0
    AND NOT EXISTS (SELECT 1 FROM nodes n WHERE n.id = o.owner AND n.term = o.owner_term AND n.leases_until_ms > $1)
  ORDER BY o.lease_until_ms LIMIT $3 FOR UPDATE OF o SKIP LOCKED)sql";

// Leases of a node's earlier terms: $1 node, $2 its term, $3 how many at most
inline constexpr std::string_view kLeasesOfEarlierTerms = R"sql(
  SELECT o.id, o.crashes_alone, o.only_look, o.owner, o.owner_term FROM open_uploads o
  WHERE o.state = 'uploading' AND o.owner = $1 AND o.owner_term < $2
  ORDER BY o.lease_until_ms LIMIT $3 FOR UPDATE OF o SKIP LOCKED)sql";

// How many leases each node has, by its term.
inline constexpr std::string_view kLeaseCounts = R"sql(
  SELECT owner, owner_term, count(*) AS leases FROM open_uploads WHERE state = 'uploading'
  GROUP BY owner, owner_term)sql";

// $1 node: of those that it may take
inline constexpr std::string_view kNextSuspect = R"sql(
  SELECT id, crashes FROM open_uploads
  WHERE suspect AND state = 'queued' AND )sql" VODLIFT_TAKES("open_uploads") R"sql(
  ORDER BY crashes_alone, id LIMIT 1)sql";
#undef VODLIFT_TAKES

// --- What waits for its next attempt

inline constexpr std::string_view kFirstDelayed = R"sql(
  SELECT next_attempt_ms FROM open_uploads WHERE state = 'queued' AND waiting_on IS NULL AND delayed
  ORDER BY next_attempt_ms LIMIT 1)sql";

// $1 now, $2 how many at most
inline constexpr std::string_view kEndDelays = R"sql(
  UPDATE open_uploads SET delayed = false WHERE id IN
    (SELECT id FROM open_uploads
     WHERE state = 'queued' AND waiting_on IS NULL AND delayed AND next_attempt_ms <= $1
     ORDER BY next_attempt_ms LIMIT $2 FOR UPDATE SKIP LOCKED)
  RETURNING id)sql";

// --- Nodes

// $1 name, $2 now
inline constexpr std::string_view kJoin = R"sql(
  INSERT INTO nodes AS n (name, term, started_ms, beat_ms) VALUES ($1, 1, $2, $2)
  ON CONFLICT (name) DO UPDATE SET term = n.term + 1, draining = false, started_ms = $2, beat_ms = $2, left_ms = NULL,
    leases_until_ms = 0
  RETURNING id, term)sql";

// $1 id, $2 term, $3 now
inline constexpr std::string_view kBeat = "UPDATE nodes SET beat_ms = $3 WHERE id = $1 AND term = $2";
inline constexpr std::string_view kLeave = "UPDATE nodes SET beat_ms = $3, left_ms = $3 WHERE id = $1 AND term = $2";

// $4 version, $5 roles, $6 draining
inline constexpr std::string_view kDescribe = R"sql(
  UPDATE nodes SET beat_ms = $3, version = $4, roles = $5, draining = $6 WHERE id = $1 AND term = $2)sql";

inline constexpr std::string_view kNodes = R"sql(
  SELECT n.id, n.term, n.name, n.version, n.roles, n.draining, n.started_ms, n.beat_ms, n.left_ms, o.uploads,
         CASE WHEN o.uploads > 0 THEN greatest(n.leases_until_ms, o.until_ms) END AS leases_until_ms,
         (SELECT count(*) FROM callbacks c WHERE c.lease_until_ms IS NOT NULL AND c.owner = n.id) AS callbacks
  FROM nodes n
  CROSS JOIN LATERAL (SELECT count(*) AS uploads, max(lease_until_ms) AS until_ms FROM open_uploads
                      WHERE state = 'uploading' AND owner = n.id) o
  ORDER BY n.id)sql";
inline constexpr std::string_view kNodeStorages = "SELECT node, storage FROM node_storages ORDER BY node, storage";

// $1 id, $2 its storages
inline constexpr std::string_view kDropStorages = "DELETE FROM node_storages WHERE node = $1 AND storage <> ALL ($2)";
inline constexpr std::string_view kAddStorages = R"sql(
  INSERT INTO node_storages (node, storage) SELECT $1, s FROM unnest($2) AS s ON CONFLICT DO NOTHING)sql";

// $1 id of a node that stays, $2 the time: removes nodes that were not heard of since.
inline constexpr std::string_view kForgetNodes = "DELETE FROM nodes WHERE id <> $1 AND beat_ms < $2";

// What waits for longer than anything of its kind may: $1 the last time that may be, $2 how many at most. Answers ids.
inline constexpr std::string_view kShortenUploads = R"sql(
  UPDATE open_uploads SET next_attempt_ms = $1 WHERE id IN
    (SELECT id FROM open_uploads WHERE state = 'queued' AND waiting_on IS NULL AND delayed AND next_attempt_ms > $1
     LIMIT $2 FOR UPDATE SKIP LOCKED)
  RETURNING id)sql";
inline constexpr std::string_view kShortenCallbacks = R"sql(
  UPDATE callbacks SET next_attempt_ms = $1, lease_until_ms = CASE WHEN lease_until_ms IS NOT NULL THEN $1 END
  WHERE id IN (SELECT id FROM callbacks WHERE delayed AND next_attempt_ms > $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
  RETURNING id)sql";
inline constexpr std::string_view kShortenMultiparts = R"sql(
  UPDATE multipart_ledger SET next_attempt_ms = $1 WHERE id IN
    (SELECT id FROM multipart_ledger WHERE next_attempt_ms > $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
  RETURNING id)sql";

}  // namespace vodlift::postgres::sql
