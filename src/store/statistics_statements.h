// The SQL statements of the statistics, for the test of the query plans too. Columns are read by their names.
#pragma once

#include <string_view>

namespace vodlift::store::sql {

// How many are queued now, by account. The counts have six rows an account.
inline constexpr std::string_view kQueuedCounts =
    "SELECT account, uploads FROM upload_counts WHERE state = 'queued' AND uploads > 0";

// ?1 account
inline constexpr std::string_view kOldestQueued = R"sql(
  SELECT created_ms FROM uploads INDEXED BY uploads_in_state
  WHERE account = ?1 AND state = 'queued' ORDER BY id LIMIT 1)sql";

// Accounts of which more uploads have ended than the statistics have.
inline constexpr std::string_view kAccountsWithEnds = R"sql(
  SELECT account FROM upload_counts AS counts
  WHERE (state = 'completed' OR state = 'failed' OR state = 'cancelled')
    AND uploads <> coalesce((SELECT known.uploads FROM statistics_ends AS known
                             WHERE known.account = counts.account AND known.state = counts.state), 0))sql";

// ?1 account
inline constexpr std::string_view kEndsSince = R"sql(
  SELECT state, uploads, coalesce((SELECT known.uploads FROM statistics_ends AS known
                                   WHERE known.account = counts.account AND known.state = counts.state), 0) AS known
  FROM upload_counts AS counts WHERE account = ?1)sql";

// ?1 account, ?2 state, ?3 uploads
inline constexpr std::string_view kPutEnds =
    "INSERT OR REPLACE INTO statistics_ends (account, state, uploads) VALUES (?1, ?2, ?3)";

inline constexpr std::string_view kRings = "SELECT account, active_ms FROM statistics_rings";
inline constexpr std::string_view kPutRing =
    "INSERT OR REPLACE INTO statistics_rings (account, active_ms) VALUES (?1, ?2)";

// All that one account's rings have: ?1 account
inline constexpr std::string_view kDeleteRing = "DELETE FROM statistics_rings WHERE account = ?1";
inline constexpr std::string_view kDeleteStatistics = "DELETE FROM statistics WHERE account = ?1";
inline constexpr std::string_view kDeleteStatisticsErrors = "DELETE FROM statistics_errors WHERE account = ?1";

// Each of the following: ?1 account, ?2 how long the slot is

// ?3 when it begins, ?4-?9 what is added
inline constexpr std::string_view kAddToSlot = R"sql(
  INSERT INTO statistics (account, slot_s, begins_s, bytes_sent, completed, failed, cancelled, most_queued,
                          longest_wait_s)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
  ON CONFLICT (account, slot_s, begins_s) DO UPDATE SET
    bytes_sent = bytes_sent + ?4, completed = completed + ?5, failed = failed + ?6, cancelled = cancelled + ?7,
    most_queued = max(most_queued, ?8), longest_wait_s = max(longest_wait_s, ?9))sql";

// ?3 when it begins, ?4 code, ?5 failed, ?6 retried
inline constexpr std::string_view kAddErrors = R"sql(
  INSERT INTO statistics_errors (account, slot_s, begins_s, code, failed, retried) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
  ON CONFLICT (account, slot_s, begins_s, code) DO UPDATE SET failed = failed + ?5, retried = retried + ?6)sql";

// ?3 the beginning of the first slot that stays
inline constexpr std::string_view kForgetSlots =
    "DELETE FROM statistics WHERE account = ?1 AND slot_s = ?2 AND begins_s < ?3";
inline constexpr std::string_view kForgetSlotErrors =
    "DELETE FROM statistics_errors WHERE account = ?1 AND slot_s = ?2 AND begins_s < ?3";

// ?3 the beginning of the first slot that is wanted
inline constexpr std::string_view kSlots = R"sql(
  SELECT begins_s, bytes_sent, completed, failed, cancelled, most_queued, longest_wait_s FROM statistics
  WHERE account = ?1 AND slot_s = ?2 AND begins_s >= ?3)sql";
inline constexpr std::string_view kSlotErrors = R"sql(
  SELECT begins_s, code, failed, retried FROM statistics_errors
  WHERE account = ?1 AND slot_s = ?2 AND begins_s >= ?3)sql";

// ?1 how long the slot is, ?2 since when, ?3 the accounts without rings, ?4 how many at most
inline constexpr std::string_view kBusiest = R"sql(
  SELECT of.account, sum(bytes_sent) AS sent, sum(completed) AS completed, sum(failed) AS failed,
         sum(cancelled) AS cancelled
  FROM (SELECT account FROM statistics_rings UNION ALL SELECT ?3) AS of
  CROSS JOIN statistics ON statistics.account = of.account AND slot_s = ?1 AND begins_s >= ?2
  GROUP BY of.account HAVING sent + completed + failed + cancelled > 0
  ORDER BY sent DESC, completed DESC, of.account LIMIT ?4)sql";

// --- By bucket

// ?1 when the hour begins
inline constexpr std::string_view kCountBuckets =
    "SELECT count(*) AS buckets FROM statistics_buckets WHERE begins_s = ?1";

// ?1 when the hour begins, ?2 account, ?3 bucket
inline constexpr std::string_view kHasBucket =
    "SELECT 1 FROM statistics_buckets WHERE begins_s = ?1 AND account = ?2 AND bucket = ?3";

// ?1 when the hour begins, ?2 account, ?3 bucket, ?4-?6 what is added
inline constexpr std::string_view kAddToBucket = R"sql(
  INSERT INTO statistics_buckets (begins_s, account, bucket, bytes_sent, completed, failed)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6)
  ON CONFLICT (begins_s, account, bucket) DO UPDATE SET
    bytes_sent = bytes_sent + ?4, completed = completed + ?5, failed = failed + ?6)sql";

// ?1 the beginning of the first hour that stays
inline constexpr std::string_view kForgetBuckets = "DELETE FROM statistics_buckets WHERE begins_s < ?1";

// ?1 since when, ?2 account or all accounts (0), ?3 how many at most
inline constexpr std::string_view kBusiestBuckets = R"sql(
  SELECT account, bucket, sum(bytes_sent) AS sent, sum(completed) AS completed, sum(failed) AS failed
  FROM statistics_buckets WHERE begins_s >= ?1 AND (?2 = 0 OR account = ?2)
  GROUP BY account, bucket ORDER BY sent DESC, completed DESC, failed DESC, account, bucket LIMIT ?3)sql";

}  // namespace vodlift::store::sql
