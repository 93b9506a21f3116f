// The statements of the ledger of multipart uploads. An entry is in use while next_attempt_ms is NULL, and left after
// that.
#pragma once

#include <string_view>

namespace vodlift::store::sql {

// ?1 id, ?2 fence
inline constexpr std::string_view kIsHeld =
    "SELECT 1 FROM uploads WHERE id = ?1 AND fence = ?2 AND state = 'uploading'";

// ?1 upload, ?2 endpoint, ?3 bucket, ?4 key, ?5 now
inline constexpr std::string_view kIntend = R"sql(
  INSERT INTO multipart_ledger (upload_id, account, endpoint, bucket, object_key, first_ms, last_ms)
  VALUES (?1, (SELECT account FROM uploads WHERE id = ?1), ?2, ?3, ?4, ?5, ?5))sql";

// ?1 upload: the Create under way
inline constexpr std::string_view kSelectIntent = R"sql(
  SELECT id, endpoint, first_ms FROM multipart_ledger INDEXED BY multipart_ledger_of_upload
  WHERE upload_id = ?1 AND multipart_id = '' AND next_attempt_ms IS NULL)sql";

// ?1 upload, ?2 endpoint, ?3 not before: a left search that one more Create can be added to
inline constexpr std::string_view kSelectSearch = R"sql(
  SELECT id FROM multipart_ledger INDEXED BY multipart_ledger_of_upload
  WHERE upload_id = ?1 AND endpoint = ?2 AND multipart_id = '' AND next_attempt_ms IS NOT NULL AND last_ms >= ?3
  ORDER BY last_ms DESC LIMIT 1)sql";

// ?1 id, ?2 last
inline constexpr std::string_view kWidenSearch =
    "UPDATE multipart_ledger SET creates = creates + 1, last_ms = max(last_ms, ?2) WHERE id = ?1";

// ?1 upload
inline constexpr std::string_view kDeleteIntent = R"sql(
  DELETE FROM multipart_ledger WHERE upload_id = ?1 AND multipart_id = '' AND next_attempt_ms IS NULL)sql";

// ?1 upload, ?2 multipart id
inline constexpr std::string_view kFulfil = R"sql(
  UPDATE multipart_ledger SET multipart_id = ?2
  WHERE upload_id = ?1 AND multipart_id = '' AND next_attempt_ms IS NULL)sql";

// ?1 upload: the open multipart upload of its journal
inline constexpr std::string_view kDeleteJournaled = R"sql(
  DELETE FROM multipart_ledger WHERE upload_id = ?1 AND next_attempt_ms IS NULL AND multipart_id <> ''
    AND multipart_id = (SELECT multiparts.multipart_id FROM multiparts WHERE multiparts.upload_id = ?1))sql";

// ?1 upload, ?2 now
inline constexpr std::string_view kLeaveAll = R"sql(
  UPDATE multipart_ledger SET left_ms = ?2, next_attempt_ms = ?2 WHERE upload_id = ?1 AND next_attempt_ms IS NULL)sql";

// ?1 upload, ?2 now
inline constexpr std::string_view kLeaveIntent = R"sql(
  UPDATE multipart_ledger SET left_ms = ?2, next_attempt_ms = ?2
  WHERE upload_id = ?1 AND multipart_id = '' AND next_attempt_ms IS NULL)sql";

#define VODLIFT_LEDGER_COLUMNS                                                                              \
  "SELECT id, upload_id, account, endpoint, bucket, object_key, multipart_id, creates, first_ms, last_ms, " \
  "left_ms, attempts, next_attempt_ms, error FROM multipart_ledger "

// ?1 now, ?2 how many at most
inline constexpr std::string_view kSelectDueLeft = VODLIFT_LEDGER_COLUMNS
    "INDEXED BY multipart_ledger_due WHERE next_attempt_ms <= ?1 ORDER BY next_attempt_ms LIMIT ?2";

// ?1 account or NULL, ?2 how many at most
inline constexpr std::string_view kSelectLeft = VODLIFT_LEDGER_COLUMNS
    "WHERE next_attempt_ms IS NOT NULL AND (?1 IS NULL OR account = ?1) ORDER BY left_ms, id LIMIT ?2";

#undef VODLIFT_LEDGER_COLUMNS

inline constexpr std::string_view kNextLeftDue = R"sql(
  SELECT next_attempt_ms FROM multipart_ledger INDEXED BY multipart_ledger_due
  WHERE next_attempt_ms IS NOT NULL ORDER BY next_attempt_ms LIMIT 1)sql";

// ?1 endpoint, ?2 bucket, ?3 key
inline constexpr std::string_view kKnownAt = R"sql(
  SELECT multipart_id, next_attempt_ms IS NULL FROM multipart_ledger INDEXED BY multipart_ledger_at
  WHERE bucket = ?2 AND object_key = ?3 AND endpoint = ?1)sql";

// ?1 the left search, ?2 multipart id, ?3 now
inline constexpr std::string_view kAdopt = R"sql(
  INSERT INTO multipart_ledger (upload_id, account, endpoint, bucket, object_key, multipart_id, first_ms, last_ms,
                                left_ms, next_attempt_ms)
  SELECT upload_id, account, endpoint, bucket, object_key, ?2, first_ms, last_ms, left_ms, ?3
  FROM multipart_ledger WHERE id = ?1)sql";

// ?1 the left entry beside it, ?2 now
inline constexpr std::string_view kIntendProbe = R"sql(
  INSERT INTO multipart_ledger (upload_id, account, endpoint, bucket, object_key, first_ms, last_ms, left_ms,
                                next_attempt_ms)
  SELECT upload_id, account, endpoint, bucket, object_key, ?2, ?2, ?2, ?2 FROM multipart_ledger WHERE id = ?1)sql";

// ?1 id, ?2 until, ?3 attempts more, ?4 error (NULL: as it was)
inline constexpr std::string_view kPostpone = R"sql(
  UPDATE multipart_ledger SET next_attempt_ms = ?2, attempts = attempts + ?3, error = coalesce(?4, error)
  WHERE id = ?1 AND next_attempt_ms IS NOT NULL)sql";

// ?1 account, ?2 endpoint, ?3 bucket, ?4 until
inline constexpr std::string_view kPostponeBucket = R"sql(
  UPDATE multipart_ledger INDEXED BY multipart_ledger_due SET next_attempt_ms = ?4
  WHERE next_attempt_ms < ?4 AND account = ?1 AND endpoint = ?2 AND bucket = ?3)sql";

inline constexpr std::string_view kDeleteLeft =
    "DELETE FROM multipart_ledger WHERE id = ?1 AND next_attempt_ms IS NOT NULL";

}  // namespace vodlift::store::sql
