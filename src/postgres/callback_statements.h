// The SQL statements about callbacks and their receivers. The test of the query plans explains these very texts.
#pragma once

#include <string_view>

namespace vodlift::postgres::sql {

// --- Callbacks

// $1 uploads, $2 accounts, $3 receivers, $4 counted in their receivers' own rows, $5 webhook ids, $6 urls, $7 bodies,
// $8 now. Answers their ids.
inline constexpr std::string_view kInsertCallbacks = R"sql(
  WITH given AS MATERIALIZED (
    SELECT nextval('callback_ids') AS id, g.* FROM unnest($1, $2, $3, $4, $5, $6, $7)
      AS g (upload_id, account, receiver, own_sums, webhook_id, url, body)),
  kept AS (
    INSERT INTO callbacks (id, upload_id, account, receiver, own_sums, next_attempt_ms, created_ms)
    SELECT id, upload_id, account, receiver, own_sums, $8, $8 FROM given)
  INSERT INTO callback_texts (callback_id, webhook_id, url, body) SELECT id, webhook_id, url, body FROM given
  RETURNING callback_id)sql";

// $1 and $2 the first account and the one that is too far, $3 how many at most: those that have any due, ascending
inline constexpr std::string_view kDueAccounts = R"sql(
  WITH RECURSIVE found AS (
    SELECT (SELECT account FROM callbacks WHERE state = 'pending' AND NOT delayed AND account >= $1
            ORDER BY account LIMIT 1) AS account
    UNION ALL
    SELECT (SELECT account FROM callbacks WHERE state = 'pending' AND NOT delayed AND account > f.account
            ORDER BY account LIMIT 1)
    FROM found f WHERE f.account < $2)
  SELECT account FROM found WHERE account < $2 LIMIT $3)sql";

// $1 account, $2 behind this receiver, $3 up to this one (NULL: to the last), $4 how many at most: those to which any
// are due
inline constexpr std::string_view kDueReceivers = R"sql(
  WITH RECURSIVE found AS (
    SELECT (SELECT receiver FROM callbacks
            WHERE state = 'pending' AND NOT delayed AND account = $1 AND receiver > $2
            ORDER BY receiver LIMIT 1) AS receiver
    UNION ALL
    SELECT (SELECT receiver FROM callbacks
            WHERE state = 'pending' AND NOT delayed AND account = $1 AND receiver > f.receiver
            ORDER BY receiver LIMIT 1)
    FROM found f WHERE f.receiver IS NOT NULL)
  SELECT receiver FROM found WHERE receiver IS NOT NULL AND ($3 IS NULL OR receiver <= $3) LIMIT $4)sql";

// $1 account, $2 receivers, $3 how many of each at most: the longest waiting first
inline constexpr std::string_view kDueCallbacks = R"sql(
  SELECT g.number, c.id FROM unnest($2) WITH ORDINALITY AS g (receiver, number)
  CROSS JOIN LATERAL (
    SELECT id, next_attempt_ms FROM callbacks
    WHERE state = 'pending' AND NOT delayed AND account = $1 AND receiver = g.receiver
    ORDER BY next_attempt_ms, id LIMIT $3) c
  ORDER BY g.number, c.next_attempt_ms, c.id)sql";

// $1 account, $2 receiver, $3 how many at most. But for those that were sent again, and not tried since.
inline constexpr std::string_view kDueCallbacksNotAskedFor = R"sql(
  SELECT id, upload_id FROM callbacks
  WHERE state = 'pending' AND NOT delayed AND account = $1 AND receiver = $2
    AND (attempts = 0 OR attempts > attempts_before)
  ORDER BY next_attempt_ms, id LIMIT $3)sql";

// $1 ids, $2 now
inline constexpr std::string_view kRefuseCallbacks = R"sql(
  UPDATE callbacks c SET state = 'failed', attempts = attempts + 1, lease_until_ms = NULL, owner = NULL,
                         owner_term = NULL, next_attempt_ms = $2
  FROM unnest($1) AS g (id)
  WHERE c.id = g.id AND CASE c.state WHEN 'pending' THEN NOT c.delayed ELSE false END
  RETURNING c.id, c.upload_id, c.account, c.receiver, c.own_sums, c.attempts)sql";

inline constexpr std::string_view kAnyDueCallback =
    "SELECT 1 AS one FROM callbacks WHERE state = 'pending' AND NOT delayed LIMIT 1";
inline constexpr std::string_view kFirstDelayedCallback =
    "SELECT next_attempt_ms FROM callbacks WHERE delayed ORDER BY next_attempt_ms LIMIT 1";

// $1 now, $2 how many at most
inline constexpr std::string_view kEndCallbackDelays = R"sql(
  UPDATE callbacks SET delayed = false WHERE id IN
    (SELECT id FROM callbacks WHERE delayed AND next_attempt_ms <= $1
     ORDER BY next_attempt_ms LIMIT $2 FOR UPDATE SKIP LOCKED)
  RETURNING id)sql";

// $1 ids, $2 the leases' end, $3 node, $4 its term. The CASE keeps the planner from any index but that of the ids.
inline constexpr std::string_view kClaimCallbacks = R"sql(
  WITH free AS MATERIALIZED (
    SELECT c.id FROM unnest($1) AS g (id) CROSS JOIN LATERAL (
      SELECT id FROM callbacks WHERE id = g.id AND CASE state WHEN 'pending' THEN NOT delayed ELSE false END
      FOR UPDATE SKIP LOCKED) c)
  UPDATE callbacks c SET fence = c.fence + 1, lease_until_ms = $2, next_attempt_ms = $2, delayed = true, owner = $3,
                         owner_term = $4
  FROM free f JOIN callback_texts t ON t.callback_id = f.id
  WHERE c.id = f.id
  RETURNING c.id, c.fence, c.upload_id, c.account, t.webhook_id, t.url, c.receiver, t.body,
            c.attempts - c.attempts_before AS attempts,
            (SELECT u.options FROM uploads u WHERE u.id = c.upload_id) AS options,
            (SELECT u.token FROM uploads u WHERE u.id = c.upload_id) AS token)sql";

// $1 ids, $2 fences, $3 states, $4 next attempts: attempts that ended. Answers those whose leases were held.
inline constexpr std::string_view kRecordCallbacks = R"sql(
  UPDATE callbacks c SET state = g.state, attempts = c.attempts + 1, lease_until_ms = NULL, owner = NULL,
                         owner_term = NULL, next_attempt_ms = g.next_attempt_ms, delayed = g.state = 'pending'
  FROM unnest($1, $2, $3, $4) AS g (id, fence, state, next_attempt_ms)
  WHERE c.id = g.id AND c.fence = g.fence AND c.lease_until_ms IS NOT NULL
  RETURNING c.id, c.account, c.receiver, c.own_sums, c.attempts)sql";

// $1 callbacks, $2 numbers, $3 at, $4 took, $5 HTTP statuses, $6 errors
inline constexpr std::string_view kInsertCallbackAttempts = R"sql(
  INSERT INTO callback_attempts (callback_id, number, at_ms, took_ms, http_status, error)
  SELECT * FROM unnest($1, $2, $3, $4, $5, $6))sql";

// Of a node's earlier terms: $1 node, $2 its term, $3 now
inline constexpr std::string_view kReclaimCallbacks = R"sql(
  UPDATE callbacks SET lease_until_ms = NULL, owner = NULL, owner_term = NULL, next_attempt_ms = $3, delayed = false
  WHERE lease_until_ms IS NOT NULL AND owner = $1 AND owner_term < $2 RETURNING id)sql";

// --- Lists, newest first: $1 only below this id, $2 how many at most

inline constexpr std::string_view kCallbacks =
    "SELECT id, created_ms, state, receiver FROM callbacks WHERE id < $1 ORDER BY id DESC LIMIT $2";
// $3 state, any but delivered
inline constexpr std::string_view kCallbacksInState = R"sql(
  SELECT id, created_ms, state, receiver FROM callbacks WHERE state = $3 AND state <> 'delivered' AND id < $1
  ORDER BY id DESC LIMIT $2)sql";
// $3 account, $4 state
inline constexpr std::string_view kCallbacksOfAccountInState = R"sql(
  SELECT id, created_ms, state, receiver FROM callbacks WHERE account = $3 AND state = $4 AND id < $1
  ORDER BY id DESC LIMIT $2)sql";
// $3 account: a walk for each state, merged as they go
#define VODLIFT_CALLBACKS_OF_ACCOUNT(state)                                                       \
  "(SELECT id, created_ms, state, receiver FROM callbacks WHERE account = $3 AND state = '" state \
  "' AND id < $1 ORDER BY id DESC LIMIT $2) "
inline constexpr std::string_view kCallbacksOfAccount =
    "SELECT id, created_ms, state, receiver FROM (" VODLIFT_CALLBACKS_OF_ACCOUNT(
        "pending") "UNION ALL " VODLIFT_CALLBACKS_OF_ACCOUNT("delivered") "UNION ALL " VODLIFT_CALLBACKS_OF_ACCOUNT(
        "failed") "UNION ALL " VODLIFT_CALLBACKS_OF_ACCOUNT("stopped") ") AS c ORDER BY id DESC LIMIT $2";
#undef VODLIFT_CALLBACKS_OF_ACCOUNT

// $1 id
inline constexpr std::string_view kViewCallback = R"sql(
  SELECT c.id, c.upload_id, c.account, t.webhook_id, t.url, c.receiver, t.body, c.state, c.attempts, c.lease_until_ms,
         c.created_ms, c.next_attempt_ms, c.own_sums
  FROM callbacks c JOIN callback_texts t ON t.callback_id = c.id WHERE c.id = $1)sql";
// $1 id: nobody else changes it before this transaction ends
inline constexpr std::string_view kLockCallback = "SELECT own_sums FROM callbacks WHERE id = $1 FOR UPDATE";
// $1 upload
inline constexpr std::string_view kCallbackOf = "SELECT id FROM callbacks WHERE upload_id = $1";
// $1 callback, $2 how many at most: the last ones, the last first
inline constexpr std::string_view kCallbackAttempts = R"sql(
  SELECT number, at_ms, took_ms, http_status, error FROM callback_attempts
  WHERE callback_id = $1 ORDER BY number DESC LIMIT $2)sql";

// $1 id, $2 now, $3 counted in its receiver's own row. A worker whose lease has run out loses it.
inline constexpr std::string_view kSendCallbackAgain = R"sql(
  UPDATE callbacks SET state = 'pending', attempts_before = attempts, fence = fence + 1, lease_until_ms = NULL,
                       owner = NULL, owner_term = NULL, next_attempt_ms = $2, delayed = false, own_sums = $3
  WHERE id = $1)sql";
// $1 callback, $2 up to this number
inline constexpr std::string_view kForgetCallbackAttempts =
    "DELETE FROM callback_attempts WHERE callback_id = $1 AND number <= $2";

// --- Receivers

// $1 account, $2 receiver, $3 now, $4 how many more
inline constexpr std::string_view kAddWaiting = R"sql(
  UPDATE callback_receivers SET waiting = waiting + $4, used_ms = greatest(used_ms, $3)
  WHERE account = $1 AND receiver = $2)sql";
inline constexpr std::string_view kAddReceiver = R"sql(
  INSERT INTO callback_receivers AS r (account, receiver, waiting, used_ms) VALUES ($1, $2, $4, $3)
  ON CONFLICT (account, receiver) DO UPDATE SET waiting = r.waiting + $4, used_ms = $3)sql";

// $1 account: the row of the others is no receiver
inline constexpr std::string_view kCountReceivers = R"sql(
  SELECT (SELECT count(*) FROM callback_receivers) - 1 AS receivers,
         (SELECT count(*) FROM callback_receivers WHERE account = $1) AS own)sql";

// $1 used before then
inline constexpr std::string_view kForgetIdleReceivers =
    "DELETE FROM callback_receivers WHERE account > 0 AND waiting = 0 AND used_ms <= $1";
// $1 now, $2 swept before then. Nothing is changed where that was tried just now.
inline constexpr std::string_view kPutReceiversSwept =
    "UPDATE counters SET value = $1 WHERE name = 'receivers_swept' AND value <= $2";

#define VODLIFT_RECEIVER_COLUMNS                                                                          \
  "r.account, r.receiver, r.day, r.delivered, r.delivered_before, r.failed, r.failed_before, r.waiting, " \
  "r.latency_ms, r.last_error, r.last_failure_ms, r.last_success_ms, r.failing_since_ms, r.used_ms "
// $1 account, $2 receiver
inline constexpr std::string_view kLockReceiver =
    "SELECT " VODLIFT_RECEIVER_COLUMNS "FROM callback_receivers r WHERE r.account = $1 AND r.receiver = $2 FOR UPDATE";
// $1 account, $2 receivers
inline constexpr std::string_view kReceiversNamed = "SELECT " VODLIFT_RECEIVER_COLUMNS
                                                    "FROM unnest($2) AS g (receiver) JOIN callback_receivers r "
                                                    "ON r.account = $1 AND r.receiver = g.receiver";
// $1 account, or 0: all; $2 how many at most. The table is small.
inline constexpr std::string_view kReceivers =
    "SELECT " VODLIFT_RECEIVER_COLUMNS
    "FROM callback_receivers r WHERE ($1 = 0 OR r.account = $1) AND r.used_ms IS NOT NULL "
    "ORDER BY r.failing_since_ms IS NULL, r.failing_since_ms, r.waiting DESC, r.account, r.receiver LIMIT $2";
#undef VODLIFT_RECEIVER_COLUMNS

// $1 account, $2 receiver, then the columns in the table's order
inline constexpr std::string_view kPutReceiver = R"sql(
  UPDATE callback_receivers SET day = $3, delivered = $4, delivered_before = $5, failed = $6, failed_before = $7,
         waiting = $8, latency_ms = $9, last_error = $10, last_failure_ms = $11, last_success_ms = $12,
         failing_since_ms = $13, used_ms = $14
  WHERE account = $1 AND receiver = $2)sql";

}  // namespace vodlift::postgres::sql
