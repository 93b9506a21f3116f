// The SQL statements of the statistics, for the test of the query plans too. Columns are read by their names.
#pragma once

#include <string_view>

namespace vodlift::postgres::sql {

// One node adds at a time.
inline constexpr std::string_view kLockStatistics = "SELECT pg_advisory_xact_lock(1447839318)";

// How many are queued now, by account, and when the oldest of these was made.
inline constexpr std::string_view kQueues = R"sql(
  SELECT q.account, q.uploads, (SELECT o.created_ms FROM open_uploads o
                                WHERE o.account = q.account AND o.state = 'queued' ORDER BY o.id LIMIT 1) AS created_ms
  FROM (SELECT account, sum(uploads)::bigint AS uploads
        FROM (SELECT account, uploads FROM upload_counts WHERE state = 'queued'
              UNION ALL SELECT account, uploads FROM upload_count_changes WHERE state = 'queued') AS c
        GROUP BY account HAVING sum(uploads) > 0) AS q)sql";

// Ends of which the statistics have other numbers than the counts.
inline constexpr std::string_view kNewEnds = R"sql(
  SELECT account, state, sum(uploads)::bigint AS uploads, sum(known)::bigint AS known
  FROM (SELECT account, state, uploads, 0 AS known FROM upload_counts
        UNION ALL SELECT account, state, uploads, 0 FROM upload_count_changes
        UNION ALL SELECT account, state, 0, uploads FROM statistics_ends) AS c
  WHERE state IN ('completed', 'failed', 'cancelled')
  GROUP BY account, state HAVING sum(uploads) <> sum(known))sql";
// $1 accounts
inline constexpr std::string_view kNewEndsOf = R"sql(
  SELECT g.account, c.state, sum(c.uploads)::bigint AS uploads, sum(c.known)::bigint AS known
  FROM unnest($1) AS g (account)
  CROSS JOIN LATERAL (
    SELECT state, uploads, 0 AS known FROM upload_counts WHERE account = g.account
    UNION ALL SELECT state, uploads, 0 FROM upload_count_changes WHERE account = g.account
    UNION ALL SELECT state, 0, uploads FROM statistics_ends WHERE account = g.account) AS c
  WHERE c.state IN ('completed', 'failed', 'cancelled')
  GROUP BY g.account, c.state HAVING sum(c.uploads) <> sum(c.known))sql";

// $1 account, $2 state, $3 uploads, $4 how many of them were known. Those that are removed meanwhile stay removed.
inline constexpr std::string_view kPutEnds =
    "INSERT INTO statistics_ends AS s (account, state, uploads) VALUES ($1, $2, $3)"
    " ON CONFLICT (account, state) DO UPDATE SET uploads = s.uploads + $3 - $4";

inline constexpr std::string_view kRings = "SELECT account, active_ms FROM statistics_rings";
inline constexpr std::string_view kPutRing =
    "INSERT INTO statistics_rings (account, active_ms) VALUES ($1, $2)"
    " ON CONFLICT (account) DO UPDATE SET active_ms = $2";

// All that one account's rings have: $1 account
inline constexpr std::string_view kDeleteRing = "DELETE FROM statistics_rings WHERE account = $1";
inline constexpr std::string_view kDeleteStatistics = "DELETE FROM statistics WHERE account = $1";
inline constexpr std::string_view kDeleteStatisticsErrors = "DELETE FROM statistics_errors WHERE account = $1";

// Each of the following: $1 account, $2 how long the slot is

// $3 when it begins, $4-$9 what is added
inline constexpr std::string_view kAddToSlot = R"sql(
  INSERT INTO statistics AS s (account, slot_s, begins_s, bytes_sent, completed, failed, cancelled, most_queued,
                          longest_wait_s)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
  ON CONFLICT (account, slot_s, begins_s) DO UPDATE SET
    bytes_sent = s.bytes_sent + $4, completed = s.completed + $5, failed = s.failed + $6,
    cancelled = s.cancelled + $7, most_queued = greatest(s.most_queued, $8),
    longest_wait_s = greatest(s.longest_wait_s, $9))sql";

// $3 when it begins, $4 code, $5 failed, $6 retried
inline constexpr std::string_view kAddErrors = R"sql(
  INSERT INTO statistics_errors AS s (account, slot_s, begins_s, code, failed, retried) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (account, slot_s, begins_s, code) DO UPDATE SET failed = s.failed + $5, retried = s.retried + $6)sql";

// $3 the beginning of the first slot that stays
inline constexpr std::string_view kForgetSlots =
    "DELETE FROM statistics WHERE account = $1 AND slot_s = $2 AND begins_s < $3";
inline constexpr std::string_view kForgetSlotErrors =
    "DELETE FROM statistics_errors WHERE account = $1 AND slot_s = $2 AND begins_s < $3";

// $3 the beginning of the first slot that is wanted
inline constexpr std::string_view kSlots = R"sql(
  SELECT begins_s, bytes_sent, completed, failed, cancelled, most_queued, longest_wait_s FROM statistics
  WHERE account = $1 AND slot_s = $2 AND begins_s >= $3)sql";
inline constexpr std::string_view kSlotErrors = R"sql(
  SELECT begins_s, code, failed, retried FROM statistics_errors
  WHERE account = $1 AND slot_s = $2 AND begins_s >= $3)sql";

// $1 how long the slot is, $2 since when, $3 the accounts without rings, $4 how many at most
inline constexpr std::string_view kBusiest = R"sql(
  SELECT s.account, sum(s.bytes_sent)::bigint AS sent, sum(s.completed)::bigint AS completed,
         sum(s.failed)::bigint AS failed, sum(s.cancelled)::bigint AS cancelled
  FROM (SELECT account FROM statistics_rings UNION ALL SELECT $3) AS r (account)
  JOIN statistics s ON s.account = r.account AND s.slot_s = $1 AND s.begins_s >= $2
  GROUP BY s.account HAVING sum(s.bytes_sent) + sum(s.completed) + sum(s.failed) + sum(s.cancelled) > 0
  ORDER BY sent DESC, completed DESC, s.account LIMIT $4)sql";

// --- By bucket

// $1 when the hour begins
inline constexpr std::string_view kCountBuckets =
    "SELECT count(*) AS buckets FROM statistics_buckets WHERE begins_s = $1";

// $1 when the hour begins, $2 account, $3 bucket
inline constexpr std::string_view kHasBucket =
    "SELECT 1 FROM statistics_buckets WHERE begins_s = $1 AND account = $2 AND bucket = $3";

// $1 when the hour begins, $2 account, $3 bucket, $4-$6 what is added
inline constexpr std::string_view kAddToBucket = R"sql(
  INSERT INTO statistics_buckets AS s (begins_s, account, bucket, bytes_sent, completed, failed)
  VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (begins_s, account, bucket) DO UPDATE SET
    bytes_sent = s.bytes_sent + $4, completed = s.completed + $5, failed = s.failed + $6)sql";

// $1 the beginning of the first hour that stays
inline constexpr std::string_view kForgetBuckets = "DELETE FROM statistics_buckets WHERE begins_s < $1";

// $1 since when, $2 account or all accounts (0), $3 how many at most
inline constexpr std::string_view kBusiestBuckets = R"sql(
  SELECT account, bucket, sum(bytes_sent)::bigint AS sent, sum(completed)::bigint AS completed,
         sum(failed)::bigint AS failed
  FROM statistics_buckets WHERE begins_s >= $1 AND ($2 = 0 OR account = $2)
  GROUP BY account, bucket ORDER BY sent DESC, completed DESC, failed DESC, account, bucket LIMIT $3)sql";

}  // namespace vodlift::postgres::sql
