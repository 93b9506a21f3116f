// The SQL statements about journals, parts and the ledger of multipart uploads. The test of the query plans explains
// these very texts.
#pragma once

#include <string_view>

namespace vodlift::postgres::sql {

// --- Journals

// $1 uploads
inline constexpr std::string_view kSelectMultiparts = R"sql(
  SELECT m.upload_id, m.multipart_id, m.part_size, m.checksum_mode, m.source_device, m.source_inode, m.source_size,
         m.source_change_ns, m.source_modified_ns, m.acl,
         (SELECT l.endpoint FROM multipart_ledger l
          WHERE l.upload_id = m.upload_id AND l.multipart_id = m.multipart_id LIMIT 1) AS endpoint
  FROM unnest($1) AS g (id) JOIN multiparts m ON m.upload_id = g.id)sql";
inline constexpr std::string_view kSelectParts = R"sql(
  SELECT p.upload_id, p.number, p.size, p.etag, p.crc32c, p.md5
  FROM unnest($1) AS g (id) JOIN parts p ON p.upload_id = g.id ORDER BY p.upload_id, p.number)sql";

// $1 upload
inline constexpr std::string_view kOpenPartSize = "SELECT part_size FROM multiparts WHERE upload_id = $1";
inline constexpr std::string_view kConfirmedParts =
    "SELECT number, confirmed_ms FROM parts WHERE upload_id = $1 ORDER BY number";
inline constexpr std::string_view kPartSize = "SELECT size FROM parts WHERE upload_id = $1 AND number = $2";

// Replaces the journal: $1 upload, then the columns in the table's order. The parts stay.
inline constexpr std::string_view kPutMultipart = R"sql(
  INSERT INTO multiparts (upload_id, multipart_id, part_size, checksum_mode, acl, source_device, source_inode,
                          source_size, source_change_ns, source_modified_ns)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
  ON CONFLICT (upload_id) DO UPDATE SET
    multipart_id = excluded.multipart_id, part_size = excluded.part_size, checksum_mode = excluded.checksum_mode,
    acl = excluded.acl, source_device = excluded.source_device, source_inode = excluded.source_inode,
    source_size = excluded.source_size, source_change_ns = excluded.source_change_ns,
    source_modified_ns = excluded.source_modified_ns)sql";

// $1 upload, $2 numbers, $3 sizes, $4 etags, $5 crc32c, $6 md5, $7 now. Only while a multipart upload is open.
inline constexpr std::string_view kPutParts = R"sql(
  INSERT INTO parts (upload_id, number, size, etag, crc32c, md5, confirmed_ms)
  SELECT $1, g.number, g.size, g.etag, g.crc32c, g.md5, $7
  FROM unnest($2, $3, $4, $5, $6) AS g (number, size, etag, crc32c, md5)
  WHERE EXISTS (SELECT 1 FROM multiparts WHERE upload_id = $1)
  ON CONFLICT (upload_id, number) DO UPDATE SET
    size = excluded.size, etag = excluded.etag, crc32c = excluded.crc32c, md5 = excluded.md5,
    confirmed_ms = excluded.confirmed_ms)sql";

// $1 uploads
inline constexpr std::string_view kDeleteParts =
    "DELETE FROM parts p USING unnest($1) AS g (id) WHERE p.upload_id = g.id";
inline constexpr std::string_view kDeleteMultiparts =
    "DELETE FROM multiparts m USING unnest($1) AS g (id) WHERE m.upload_id = g.id";

// Of one that is locked, and known to be held: $1 upload, $2 fence, $3 size
inline constexpr std::string_view kRestartParts = R"sql(
  UPDATE open_uploads SET bytes_sent = 0, attempt_first_byte = 0, size = $3
  WHERE id = $1 AND fence = $2)sql";
// $3 bytes more
inline constexpr std::string_view kAddBytes = R"sql(
  UPDATE open_uploads SET bytes_sent = bytes_sent + $3, crashes = 0, crashes_alone = 0
  WHERE id = $1 AND fence = $2)sql";

// --- The ledger: an entry is in use while next_attempt_ms is NULL, and abandoned after that.

// $1 upload, $2 account, $3 endpoint, $4 bucket, $5 key, $6 now
inline constexpr std::string_view kIntend = R"sql(
  INSERT INTO multipart_ledger (upload_id, account, endpoint, bucket, object_key, first_ms, last_ms)
  VALUES ($1, $2, $3, $4, $5, $6, $6))sql";

// $1 upload: the Create under way
inline constexpr std::string_view kSelectIntent = R"sql(
  SELECT id, endpoint, first_ms FROM multipart_ledger
  WHERE upload_id = $1 AND multipart_id = '' AND next_attempt_ms IS NULL)sql";

// $1 upload, $2 endpoint, $3 not before: an abandoned search that one more Create can be added to
inline constexpr std::string_view kSelectSearch = R"sql(
  SELECT id FROM multipart_ledger
  WHERE upload_id = $1 AND endpoint = $2 AND multipart_id = '' AND next_attempt_ms IS NOT NULL AND last_ms >= $3
  ORDER BY last_ms DESC LIMIT 1 FOR UPDATE)sql";

// $1 id, $2 last
inline constexpr std::string_view kWidenSearch =
    "UPDATE multipart_ledger SET creates = creates + 1, last_ms = greatest(last_ms, $2) WHERE id = $1";

// $1 upload
inline constexpr std::string_view kDeleteIntent = R"sql(
  DELETE FROM multipart_ledger WHERE upload_id = $1 AND multipart_id = '' AND next_attempt_ms IS NULL)sql";

// $1 upload, $2 multipart id
inline constexpr std::string_view kFulfil = R"sql(
  UPDATE multipart_ledger SET multipart_id = $2
  WHERE upload_id = $1 AND multipart_id = '' AND next_attempt_ms IS NULL)sql";

// $1 upload: the open multipart upload of its journal
inline constexpr std::string_view kDeleteJournaled = R"sql(
  DELETE FROM multipart_ledger WHERE upload_id = $1 AND next_attempt_ms IS NULL AND multipart_id <> ''
    AND multipart_id = (SELECT m.multipart_id FROM multiparts m WHERE m.upload_id = $1))sql";

// $1 upload, $2 now
inline constexpr std::string_view kAbandonAll = R"sql(
  UPDATE multipart_ledger SET left_ms = $2, next_attempt_ms = $2 WHERE upload_id = $1 AND next_attempt_ms IS NULL)sql";
inline constexpr std::string_view kAbandonIntent = R"sql(
  UPDATE multipart_ledger SET left_ms = $2, next_attempt_ms = $2
  WHERE upload_id = $1 AND multipart_id = '' AND next_attempt_ms IS NULL)sql";

#define VODLIFT_LEDGER_COLUMNS                                                                              \
  "SELECT id, upload_id, account, endpoint, bucket, object_key, multipart_id, creates, first_ms, last_ms, " \
  "left_ms, attempts, next_attempt_ms, error FROM multipart_ledger "

// $1 now, $2 how many at most
inline constexpr std::string_view kSelectDueAbandoned =
    VODLIFT_LEDGER_COLUMNS "WHERE next_attempt_ms <= $1 ORDER BY next_attempt_ms LIMIT $2";
// $1 account or NULL, $2 how many at most
inline constexpr std::string_view kSelectAbandoned = VODLIFT_LEDGER_COLUMNS
    "WHERE next_attempt_ms IS NOT NULL AND ($1 IS NULL OR account = $1) ORDER BY left_ms, id LIMIT $2";
#undef VODLIFT_LEDGER_COLUMNS

// $1 how many of each at most
inline constexpr std::string_view kCountLedger = R"sql(
  SELECT (SELECT count(*) FROM (SELECT 1 FROM multipart_ledger WHERE next_attempt_ms IS NOT NULL LIMIT $1) AS a)
           AS abandoned,
         (SELECT count(*) FROM (SELECT 1 FROM multipart_ledger ORDER BY id LIMIT $1 * 2) AS e) AS entries)sql";

inline constexpr std::string_view kNextAbandonedDue = R"sql(
  SELECT next_attempt_ms FROM multipart_ledger WHERE next_attempt_ms IS NOT NULL ORDER BY next_attempt_ms LIMIT 1)sql";

// $1 endpoint, $2 bucket, $3 key
inline constexpr std::string_view kKnownAt = R"sql(
  SELECT multipart_id, next_attempt_ms IS NULL AS in_use FROM multipart_ledger
  WHERE bucket = $2 AND object_key = $3 AND endpoint = $1)sql";

// $1 the entry of the search, $2 multipart ids, $3 now
inline constexpr std::string_view kAdopt = R"sql(
  INSERT INTO multipart_ledger (upload_id, account, endpoint, bucket, object_key, multipart_id, first_ms, last_ms,
                                left_ms, next_attempt_ms)
  SELECT l.upload_id, l.account, l.endpoint, l.bucket, l.object_key, g.multipart_id, l.first_ms, l.last_ms, l.left_ms, $3
  FROM multipart_ledger l CROSS JOIN unnest($2) AS g (multipart_id) WHERE l.id = $1)sql";

// $1 the abandoned entry that it is for, $2 now
inline constexpr std::string_view kIntendProbe = R"sql(
  INSERT INTO multipart_ledger (upload_id, account, endpoint, bucket, object_key, first_ms, last_ms, left_ms,
                                next_attempt_ms)
  SELECT upload_id, account, endpoint, bucket, object_key, $2, $2, $2, $2 FROM multipart_ledger WHERE id = $1
  RETURNING id)sql";

// $1 id, $2 until, $3 attempts to add, $4 error (NULL: as it was)
inline constexpr std::string_view kPostpone = R"sql(
  UPDATE multipart_ledger SET next_attempt_ms = $2, attempts = attempts + $3, error = coalesce($4, error)
  WHERE id = $1 AND next_attempt_ms IS NOT NULL)sql";

// $1 account, $2 endpoint, $3 bucket, $4 until
inline constexpr std::string_view kPostponeBucket = R"sql(
  UPDATE multipart_ledger SET next_attempt_ms = $4
  WHERE next_attempt_ms < $4 AND account = $1 AND endpoint = $2 AND bucket = $3)sql";

// $1 id
inline constexpr std::string_view kSelectPlace =
    "SELECT endpoint, bucket, object_key FROM multipart_ledger WHERE id = $1 FOR UPDATE";
inline constexpr std::string_view kDeleteAbandoned =
    "DELETE FROM multipart_ledger WHERE id = $1 AND next_attempt_ms IS NOT NULL";

}  // namespace vodlift::postgres::sql
