// The statements of the queue. They stand here so that the test of the query plans explains these very texts.
#pragma once

#include <fmt/format.h>

#include <array>
#include <string>
#include <string_view>

#include "core/upload.h"

namespace vodlift::store::sql {

// ?1 timestamp, ?2 key_id, ?3 mac
inline constexpr std::string_view kFindSignature =
    "SELECT upload_id FROM signed_requests WHERE timestamp_s = ?1 AND key_id = ?2 AND mac = ?3";

// ?1 account, ?2 bucket, ?3 destination_path: the newest upload to the same object that has not ended
inline constexpr std::string_view kFindOpenTarget = R"sql(
  SELECT id FROM uploads INDEXED BY uploads_open_target
  WHERE account = ?1 AND bucket = ?2 AND destination_path = ?3 AND finished_ms IS NULL ORDER BY id DESC LIMIT 1)sql";

inline constexpr std::string_view kInsertUpload = R"sql(
  INSERT INTO uploads (account, key_id, priority, path, destination_path, bucket, acl, metadata, callback, token, size,
                       waiting_on, next_attempt_ms, created_ms, options)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13, ?14))sql";

inline constexpr std::string_view kInsertSignature =
    "INSERT INTO signed_requests (timestamp_s, key_id, mac, upload_id) VALUES (?1, ?2, ?3, ?4)";

// ?1 before, ?2 how many at most
inline constexpr std::string_view kForgetSignatures = R"sql(
  DELETE FROM signed_requests WHERE (timestamp_s, key_id, mac) IN
    (SELECT timestamp_s, key_id, mac FROM signed_requests WHERE timestamp_s < ?1 ORDER BY timestamp_s LIMIT ?2)
)sql";

// A key's scope: ?4 path prefix and ?5 bucket names as a JSON list; empty ones narrow nothing. "0" is what comes after
// "/".
inline constexpr std::string_view kInScope = R"sql(
    AND (?4 = '' OR path = ?4 OR (path >= ?4 || '/' AND path < ?4 || '0'))
    AND (?5 = '[]' OR bucket IN (SELECT value FROM json_each(?5))))sql";

inline constexpr std::array kStates = {UploadState::queued,    UploadState::paused, UploadState::uploading,
                                       UploadState::completed, UploadState::failed, UploadState::cancelled};

inline int bit_of(UploadState state) { return 1 << static_cast<int>(state); }

// One walk of the index for each state, newest first, which SQLite merges as it goes: `state IN (…)` would make it sort
// all of them, or step over all that are in other states.
inline std::string merged_states(std::string_view narrowed) {
  std::string statement;
  for (const UploadState state : kStates) {
    if (!statement.empty()) statement += " UNION ALL ";
    statement += fmt::format(
        "SELECT id FROM uploads INDEXED BY uploads_in_state WHERE ?6 & {} AND account = ?1 AND state = '{}'{}",
        bit_of(state), to_string(state), narrowed);
  }
  return statement + " ORDER BY id DESC LIMIT ?2 OFFSET ?3";
}

// The newest in some states, of the account (?4 and ?5 unused) and within a key's scope: ?1 account, ?2 limit,
// ?3 offset, ?6 the states' bits
inline const std::string kNewestOfAccount = merged_states("");
inline const std::string kNewestInScope = merged_states(kInScope);

inline constexpr std::string_view kSelectUpload = R"sql(
  SELECT account, state, priority, path, destination_path, bucket, acl, metadata, callback, size, bytes_sent, attempts,
         acl_applied, etag, checksum, version_id, error_code, error_message, error_retryable,
         created_ms, started_ms, finished_ms, next_attempt_ms, token, fence, options, attempt_started_ms,
         attempt_first_byte,
         (SELECT callbacks.state FROM callbacks WHERE callbacks.upload_id = uploads.id)
  FROM uploads WHERE id = ?1)sql";

inline constexpr std::string_view kSelectMultipart = R"sql(
  SELECT multipart_id, part_size, checksum_mode, source_device, source_inode, source_size, source_change_ns,
         source_modified_ns, acl,
         (SELECT ledger.endpoint FROM multipart_ledger AS ledger INDEXED BY multipart_ledger_of_upload
          WHERE ledger.upload_id = ?1 AND ledger.multipart_id = multiparts.multipart_id)
  FROM multiparts WHERE upload_id = ?1)sql";

inline constexpr std::string_view kSelectParts =
    "SELECT number, size, etag, crc32c, md5 FROM parts WHERE upload_id = ?1 ORDER BY number";

// ?1 id, ?2 lease's end, ?3 now
inline constexpr std::string_view kClaim = R"sql(
  UPDATE uploads SET state = 'uploading', fence = fence + 1, lease_until_ms = ?2,
                     attempts = attempts + (interrupted = 0), interrupted = 0, started_ms = coalesce(started_ms, ?3),
                     attempt_started_ms = ?3, attempt_first_byte = bytes_sent
  WHERE id = ?1 AND state = 'queued' AND waiting_on IS NULL)sql";

// Each of the following changes an upload only for who holds its lease: ?1 id, ?2 fence.

// ?3 lease's end; answers whether its client wants it back
inline constexpr std::string_view kRenew = R"sql(
  UPDATE uploads SET lease_until_ms = ?3 WHERE id = ?1 AND fence = ?2 AND state = 'uploading'
  RETURNING wanted <> '')sql";

inline constexpr std::string_view kWanted =
    "SELECT wanted FROM uploads WHERE id = ?1 AND fence = ?2 AND state = 'uploading'";

// ?3 size, or NULL to leave it
inline constexpr std::string_view kRestartParts = R"sql(
  UPDATE uploads SET bytes_sent = 0, attempt_first_byte = 0, size = coalesce(?3, size)
  WHERE id = ?1 AND fence = ?2 AND state = 'uploading')sql";

// ?3 bytes more
inline constexpr std::string_view kAddBytes = R"sql(
  UPDATE uploads SET bytes_sent = bytes_sent + ?3, crashes = 0
  WHERE id = ?1 AND fence = ?2 AND state = 'uploading')sql";

// ?3 next attempt (NULL: its old place), ?4-?6 error (NULL: as it was), ?7 interrupted, ?8 crashes more, ?9 whether
// that attempt is to come. Its old place is never to be waited for, also where the clock was set back behind it.
inline constexpr std::string_view kRequeue = R"sql(
  UPDATE uploads SET state = 'queued', lease_until_ms = NULL, next_attempt_ms = coalesce(?3, next_attempt_ms),
                     error_code = coalesce(?4, error_code), error_message = coalesce(?5, error_message),
                     error_retryable = coalesce(?6, error_retryable), interrupted = ?7, crashes = crashes + ?8,
                     delayed = ?9 AND coalesce(?3, next_attempt_ms) > created_ms, wanted = ''
  WHERE id = ?1 AND fence = ?2 AND state = 'uploading')sql";

// ?3 state, ?4 now, ?5 size (NULL: as it was), ?6 acl applied, ?7-?9 verification, ?10-?12 error (NULL: as it was, but
// none once it is completed)
inline constexpr std::string_view kEnd = R"sql(
  UPDATE uploads SET state = ?3, finished_ms = ?4, lease_until_ms = NULL, size = coalesce(?5, size),
                     bytes_sent = coalesce(?5, bytes_sent), acl_applied = ?6, etag = ?7, checksum = ?8, version_id = ?9,
                     error_code = iif(?3 = 'completed', NULL, coalesce(?10, error_code)),
                     error_message = iif(?3 = 'completed', NULL, coalesce(?11, error_message)),
                     error_retryable = iif(?3 = 'completed', NULL, coalesce(?12, error_retryable)), wanted = ''
  WHERE id = ?1 AND fence = ?2 AND state = 'uploading')sql";

// Changes that a client asks for, of an upload that the caller has just looked at: ?1 id.

inline constexpr std::string_view kPause = "UPDATE uploads SET state = 'paused' WHERE id = ?1 AND state = 'queued'";

// Due at once, in its old place.
inline constexpr std::string_view kResume =
    "UPDATE uploads SET state = 'queued', next_attempt_ms = created_ms, delayed = 0 WHERE id = ?1 AND state = 'paused'";
inline constexpr std::string_view kRetryNow =
    "UPDATE uploads SET next_attempt_ms = created_ms, delayed = 0 WHERE id = ?1 AND state = 'queued'";

// ?2 now
inline constexpr std::string_view kCancelWaiting = R"sql(
  UPDATE uploads SET state = 'cancelled', finished_ms = ?2, waiting_on = NULL
  WHERE id = ?1 AND state IN ('queued', 'paused'))sql";

// ?2 what
inline constexpr std::string_view kWant = "UPDATE uploads SET wanted = ?2 WHERE id = ?1 AND state = 'uploading'";

// ?1 the upload that ended: whoever waited for it now waits for whom it waited for, normally nobody
inline constexpr std::string_view kReleaseSuccessor = R"sql(
  UPDATE uploads SET waiting_on = (SELECT ended.waiting_on FROM uploads AS ended WHERE ended.id = ?1)
  WHERE waiting_on = ?1)sql";

// ?1 id: whether it is completed, wants a callback, has a journal, stands in the ledger
inline constexpr std::string_view kEnded = R"sql(
  SELECT state = 'completed', callback <> '', EXISTS (SELECT 1 FROM multiparts WHERE upload_id = ?1),
         EXISTS (SELECT 1 FROM multipart_ledger INDEXED BY multipart_ledger_of_upload WHERE upload_id = ?1)
  FROM uploads WHERE id = ?1)sql";

inline constexpr std::string_view kInsertMultipart = R"sql(
  INSERT INTO multiparts (upload_id, multipart_id, part_size, checksum_mode, source_device, source_inode, source_size,
                          source_change_ns, source_modified_ns, acl)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10))sql";

inline constexpr std::string_view kDeleteMultipart = "DELETE FROM multiparts WHERE upload_id = ?1";
inline constexpr std::string_view kDeleteParts = "DELETE FROM parts WHERE upload_id = ?1";
inline constexpr std::string_view kHasMultipart = "SELECT 1 FROM multiparts WHERE upload_id = ?1";
inline constexpr std::string_view kPartSize = "SELECT size FROM parts WHERE upload_id = ?1 AND number = ?2";

inline constexpr std::string_view kPutPart = R"sql(
  INSERT OR REPLACE INTO parts (upload_id, number, size, etag, crc32c, md5) VALUES (?1, ?2, ?3, ?4, ?5, ?6))sql";

// ?1 now, ?2 how many at most
inline constexpr std::string_view kExpiredLeases = R"sql(
  SELECT id, fence, crashes FROM uploads INDEXED BY uploads_leased
  WHERE lease_until_ms IS NOT NULL AND lease_until_ms <= ?1 ORDER BY lease_until_ms LIMIT ?2)sql";

}  // namespace vodlift::store::sql
