// Every SQL statement of the queue, the callbacks, the multipart uploads and the nodes. They stand in one place so that
// the test of the query plans explains these very texts. Columns are read by their names.
#pragma once

#include <fmt/format.h>

#include <array>
#include <string>
#include <string_view>

#include "core/upload.h"

namespace vodlift::store::sql {

// --- Uploads

// Whether what an upload names is there: ?1 account, ?2 bucket; ?1 id of a key
inline constexpr std::string_view kIsBucket = "SELECT 1 FROM buckets WHERE cdn = ?1 AND bucket = ?2";
inline constexpr std::string_view kIsKey = "SELECT 1 FROM api_keys WHERE id = ?1";

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

// ?1 the upload that is repeated, ?2 the one that repeats it, ?3 account
inline constexpr std::string_view kSetRetriedAs = "UPDATE uploads SET retried_as = ?2 WHERE id = ?1 AND account = ?3";

inline constexpr std::string_view kInsertSignature =
    "INSERT INTO signed_requests (timestamp_s, key_id, mac, upload_id) VALUES (?1, ?2, ?3, ?4)";

// How many uploads there are (upload_counts.h).

inline constexpr std::string_view kCounts =
    "SELECT account, state, uploads, bytes FROM upload_counts WHERE uploads <> 0 ORDER BY account";

// ?1 account
inline constexpr std::string_view kCountsOfAccount = "SELECT state, uploads FROM upload_counts WHERE account = ?1";

// ?1 account, ?2 state, ?3 uploads, ?4 bytes
inline constexpr std::string_view kPutCount = R"sql(
  INSERT INTO upload_counts (account, state, uploads, bytes) VALUES (?1, ?2, ?3, ?4)
  ON CONFLICT (account, state) DO UPDATE SET uploads = ?3, bytes = ?4)sql";

// A row for one that does not fit; sizes are not looked at. It walks an index as long as the table; for the check.
inline constexpr std::string_view kWrongCount = R"sql(
  SELECT account FROM (
    SELECT account, state, count(*) AS uploads FROM uploads INDEXED BY uploads_in_state GROUP BY account, state
    UNION ALL SELECT account, state, -uploads FROM upload_counts)
  GROUP BY account, state HAVING sum(uploads) <> 0 LIMIT 1)sql";

inline constexpr std::string_view kForgetCounts = "DELETE FROM upload_counts";
inline constexpr std::string_view kCountAgain = R"sql(
  INSERT INTO upload_counts (account, state, uploads, bytes)
  SELECT account, state, count(*), sum(size) FROM uploads NOT INDEXED GROUP BY account, state)sql";

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
inline std::string merged_states(std::string_view narrowed, std::string_view order) {
  std::string statement;
  for (const UploadState state : kStates) {
    if (!statement.empty()) statement += " UNION ALL ";
    statement += fmt::format(
        "SELECT id FROM uploads INDEXED BY uploads_in_state WHERE ?6 & {} AND account = ?1 AND state = '{}'{}",
        bit_of(state), to_string(state), narrowed);
  }
  statement += " ORDER BY id ";
  return statement += order;
}

// The newest in some states, of the account (?4 and ?5 unused) and within a key's scope: ?1 account, ?2 limit,
// ?3 offset, ?6 the states' bits
inline const std::string kNewestOfAccount = merged_states("", "DESC LIMIT ?2 OFFSET ?3");
inline const std::string kNewestInScope = merged_states(kInScope, "DESC LIMIT ?2 OFFSET ?3");

// Those behind an id, oldest first: ?1 account, ?2 the id, ?4 and ?5 the scope, ?6 the states' bits
inline const std::string kNewInScope = merged_states(std::string(" AND id > ?2") + std::string(kInScope), "");

// Searches (upload_search.h). ?1 before, ?2 how many, and of one kind ?3 account, ?4 state
inline constexpr std::string_view kOlder = "SELECT id FROM uploads WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
inline constexpr std::string_view kOlderOfKind = R"sql(
  SELECT id FROM uploads INDEXED BY uploads_in_state WHERE account = ?3 AND state = ?4 AND id < ?1
  ORDER BY id DESC LIMIT ?2)sql";

// ?1 id: the last upload up to this one
inline constexpr std::string_view kCreatedUpTo =
    "SELECT id, created_ms FROM uploads WHERE id <= ?1 ORDER BY id DESC LIMIT 1";

// ?1 id: what a filter looks at
inline constexpr std::string_view kSelectFiltered = R"sql(
  SELECT account, state, priority, path, destination_path, bucket, error_code, created_ms FROM uploads
  WHERE id = ?1)sql";

inline constexpr std::string_view kLastUpload = "SELECT id FROM uploads ORDER BY id DESC LIMIT 1";

inline constexpr std::string_view kStateOf = "SELECT state FROM uploads WHERE id = ?1";

// The newest of all accounts: ?1 limit, ?2 offset; and those in some states, ?3, a JSON list. For operators: the second
// walks an index as long as the table.
inline constexpr std::string_view kNewestOfAll = "SELECT id FROM uploads ORDER BY id DESC LIMIT ?1 OFFSET ?2";
inline constexpr std::string_view kNewestOfAllInStates = R"sql(
  SELECT id FROM uploads INDEXED BY uploads_in_state WHERE state IN (SELECT value FROM json_each(?3))
  ORDER BY id DESC LIMIT ?1 OFFSET ?2)sql";

// The columns are in the order in which they are read: a search for a name begins behind the last one.
inline constexpr std::string_view kSelectUpload = R"sql(
  SELECT token, fence, unanswered_ms, sent_size, sent_crc32c, only_look, state, path, destination_path, bucket, callback,
         priority, acl, metadata, options, account, acl_applied, size, bytes_sent, attempts, etag, checksum, version_id,
         error_code, error_message, error_retryable, error_detail, created_ms, started_ms, finished_ms,
         attempt_started_ms, attempt_first_byte, retried_as, next_attempt_ms,
         (SELECT callbacks.state FROM callbacks WHERE callbacks.upload_id = uploads.id) AS callback_state
  FROM uploads WHERE id = ?1)sql";

inline constexpr std::string_view kSelectMultipart = R"sql(
  SELECT multipart_id, part_size, checksum_mode, source_device, source_inode, source_size, source_change_ns,
         source_modified_ns, acl,
         (SELECT ledger.endpoint FROM multipart_ledger AS ledger INDEXED BY multipart_ledger_of_upload
          WHERE ledger.upload_id = ?1 AND ledger.multipart_id = multiparts.multipart_id) AS endpoint
  FROM multiparts WHERE upload_id = ?1)sql";

inline constexpr std::string_view kSelectParts =
    "SELECT number, size, etag, crc32c, md5 FROM parts WHERE upload_id = ?1 ORDER BY number";

inline constexpr std::string_view kOpenPartSize = "SELECT part_size FROM multiparts WHERE upload_id = ?1";
inline constexpr std::string_view kConfirmedParts =
    "SELECT number, confirmed_ms FROM parts WHERE upload_id = ?1 ORDER BY number";

// ?1 id, ?2 the lease's end, ?3 now, ?4 node, ?5 its term
inline constexpr std::string_view kClaim = R"sql(
  UPDATE OR FAIL uploads SET state = 'uploading', fence = fence + 1, lease_until_ms = ?2, owner = ?4, owner_term = ?5,
                     attempts = attempts + (interrupted = 0), interrupted = 0, suspect = 0, started_ms = coalesce(started_ms, ?3),
                     attempt_started_ms = ?3, attempt_first_byte = bytes_sent
  WHERE id = ?1 AND (ready IS NOT NULL OR (suspect = 1 AND state = 'queued' AND waiting_on IS NULL AND delayed = 0)))sql";

// Each of the following changes an upload only for the holder of its lease: ?1 id, ?2 fence.

// ?3 the lease's end; answers whether the client wants the upload paused or cancelled
inline constexpr std::string_view kRenew = R"sql(
  UPDATE uploads SET lease_until_ms = ?3 WHERE id = ?1 AND fence = ?2 AND state = 'uploading'
  RETURNING wanted <> '' AS recalled)sql";

inline constexpr std::string_view kHeld =
    "SELECT wanted, account, size FROM uploads WHERE id = ?1 AND fence = ?2 AND state = 'uploading'";

// ?1 id of one that is held, ?2 size
inline constexpr std::string_view kRestartParts =
    "UPDATE uploads SET bytes_sent = 0, attempt_first_byte = 0, size = ?2 WHERE id = ?1 AND state = 'uploading'";

// ?3 bytes more
inline constexpr std::string_view kAddBytes = R"sql(
  UPDATE uploads SET bytes_sent = bytes_sent + ?3, crashes = 0, crashes_alone = 0
  WHERE id = ?1 AND fence = ?2 AND state = 'uploading')sql";

// ?3 the next attempt (NULL: at once, in the place that it had when it was created), ?4-?6 error (NULL: as it was),
// ?7 interrupted, ?8 crashes to add, ?9 when a request was sent whose answer is not known (NULL: none was), ?10 and ?11
// size and CRC32C of what it sent (NULL: not known), ?12 only to be looked for, ?13 crashes alone to add, ?14 the
// crashes that make it a suspect, ?15 the error's detail. One that was given back before anything was sent has not
// started.
inline constexpr std::string_view kRequeue = R"sql(
  UPDATE uploads SET state = 'queued', lease_until_ms = NULL, owner = NULL, owner_term = NULL,
                     next_attempt_ms = coalesce(?3, created_ms), delayed = ?3 IS NOT NULL,
                     error_code = coalesce(?4, error_code), error_message = coalesce(?5, error_message),
                     error_retryable = coalesce(?6, error_retryable), error_detail = coalesce(?15, error_detail),
                     interrupted = ?7, crashes = crashes + ?8,
                     started_ms = iif(?4 IS NULL AND ?7 AND ?8 = 0 AND ?9 IS NULL AND bytes_sent = 0
                                      AND started_ms = attempt_started_ms, NULL, started_ms),
                     sent_size = iif(?9 IS NULL, sent_size, ?10), sent_crc32c = iif(?9 IS NULL, sent_crc32c, ?11),
                     unanswered_ms = coalesce(?9, unanswered_ms), only_look = only_look | ?12, wanted = '',
                     crashes_alone = crashes_alone + ?13, suspect = (?8 > 0 AND crashes + ?8 >= ?14)
  WHERE id = ?1 AND fence = ?2 AND state = 'uploading')sql";

// ?3 state, ?4 now, ?5 size (NULL: as it was), ?6 acl applied, ?7-?9 verification, ?10-?13 error (NULL: as it was, but
// none once it is completed)
inline constexpr std::string_view kEnd = R"sql(
  UPDATE OR FAIL uploads SET state = ?3, finished_ms = ?4, lease_until_ms = NULL, owner = NULL, owner_term = NULL,
                     size = coalesce(?5, size),
                     bytes_sent = coalesce(?5, bytes_sent), acl_applied = ?6, etag = ?7, checksum = ?8, version_id = ?9,
                     error_code = iif(?3 = 'completed', NULL, coalesce(?10, error_code)),
                     error_message = iif(?3 = 'completed', NULL, coalesce(?11, error_message)),
                     error_retryable = iif(?3 = 'completed', NULL, coalesce(?12, error_retryable)),
                     error_detail = iif(?3 = 'completed', '', coalesce(?13, error_detail)), wanted = ''
  WHERE id = ?1 AND fence = ?2 AND state = 'uploading')sql";

// Answers what is known of the run under this lease.
inline constexpr std::string_view kRunUnderWay = R"sql(
  SELECT attempts, attempt_started_ms, attempt_first_byte, bytes_sent, owner FROM uploads
  WHERE id = ?1 AND fence = ?2 AND state = 'uploading')sql";

// ?1 upload, ?2 how many at most: the last entries, the last first
inline constexpr std::string_view kAttemptsOf = R"sql(
  SELECT fence, number, times, how, error_code, error_message, error_retryable, error_detail, started_ms, ended_ms,
         first_byte, last_byte, node
  FROM upload_attempts WHERE upload_id = ?1 ORDER BY fence DESC LIMIT ?2)sql";

inline constexpr std::string_view kPutAttempt = R"sql(
  INSERT OR REPLACE INTO upload_attempts (upload_id, fence, number, times, how, error_code, error_message,
                                          error_retryable, error_detail, started_ms, ended_ms, first_byte, last_byte,
                                          node)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14))sql";

// ?1 upload, ?2 how many may stay: of more, interruptions go first, and then the oldest
inline constexpr std::string_view kForgetAttempts = R"sql(
  DELETE FROM upload_attempts WHERE upload_id = ?1 AND fence IN
    (SELECT fence FROM upload_attempts WHERE upload_id = ?1 ORDER BY how = 'interrupted' DESC, fence
     LIMIT max(0, (SELECT count(*) FROM upload_attempts WHERE upload_id = ?1) - ?2)))sql";

// Changes that a client asks for, of an upload that the caller has just looked at: ?1 id.

inline constexpr std::string_view kPause = "UPDATE uploads SET state = 'paused' WHERE id = ?1 AND state = 'queued'";

// Due at once, in its old place.
inline constexpr std::string_view kResume =
    "UPDATE uploads SET state = 'queued', next_attempt_ms = created_ms, delayed = 0, suspect = 0 WHERE id = ?1 AND "
    "state = 'paused'";
inline constexpr std::string_view kRetryNow =
    "UPDATE uploads SET next_attempt_ms = created_ms, delayed = 0 WHERE id = ?1 AND state = 'queued'";

// ?2 priority
inline constexpr std::string_view kSetPriority =
    "UPDATE uploads SET priority = ?2 WHERE id = ?1 AND finished_ms IS NULL";

// ?2 now
inline constexpr std::string_view kCancelWaiting = R"sql(
  UPDATE uploads SET state = 'cancelled', finished_ms = ?2, waiting_on = NULL
  WHERE id = ?1 AND state IN ('queued', 'paused'))sql";

// ?2 what
inline constexpr std::string_view kWant = "UPDATE uploads SET wanted = ?2 WHERE id = ?1 AND state = 'uploading'";

// ?1 the upload that ends, ?2 the upload that it waits for, normally none: its successor waits for that one now
inline constexpr std::string_view kReleaseSuccessor = "UPDATE uploads SET waiting_on = ?2 WHERE waiting_on = ?1";

// ?1 id: what its end has to see to
inline constexpr std::string_view kBeforeEnd = R"sql(
  SELECT account, state, size, waiting_on, callback <> '' AS wants_callback,
         EXISTS (SELECT 1 FROM multiparts WHERE upload_id = ?1) AS has_journal,
         EXISTS (SELECT 1 FROM multipart_ledger INDEXED BY multipart_ledger_of_upload WHERE upload_id = ?1) AS in_ledger
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
  INSERT OR REPLACE INTO parts (upload_id, number, size, etag, crc32c, md5, confirmed_ms)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7))sql";

// Leases that expired: ?1 now, ?3 how many at most
inline constexpr std::string_view kExpiredLeases = R"sql(
  SELECT id, fence, crashes_alone, only_look, owner, owner_term FROM uploads INDEXED BY uploads_leased
  WHERE lease_until_ms IS NOT NULL AND lease_until_ms <= ?1 ORDER BY lease_until_ms LIMIT ?3)sql";

// Leases of a node's earlier terms: ?1 node, ?2 its term, ?3 how many at most
inline constexpr std::string_view kLeasesOfEarlierTerms = R"sql(
  SELECT id, fence, crashes_alone, only_look, owner, owner_term FROM uploads INDEXED BY uploads_leased
  WHERE lease_until_ms IS NOT NULL AND owner = ?1 AND owner_term < ?2 ORDER BY lease_until_ms LIMIT ?3)sql";

// Who holds each lease that there is.
inline constexpr std::string_view kLeaseOwners = R"sql(
  SELECT owner, owner_term FROM uploads INDEXED BY uploads_leased WHERE lease_until_ms IS NOT NULL)sql";

inline constexpr std::string_view kNextSuspect = R"sql(
  SELECT id, crashes FROM uploads INDEXED BY uploads_suspect
  WHERE suspect = 1 AND state = 'queued' ORDER BY crashes_alone, id LIMIT 1)sql";

// --- Uploads that are ready to run (docs/storage.md)

// ?1 priority: the highest one, up to this, that has any
inline constexpr std::string_view kNextReadyPriority = R"sql(
  SELECT priority FROM uploads INDEXED BY uploads_ready
  WHERE ready IS NOT NULL AND priority <= ?1 ORDER BY priority DESC LIMIT 1)sql";

// ?1 priority, ?2 large, ?3 account: the first account from this one on that has any of this kind
inline constexpr std::string_view kNextReadyAccount = R"sql(
  SELECT account FROM uploads INDEXED BY uploads_ready
  WHERE ready IS NOT NULL AND priority = ?1 AND large = ?2 AND account >= ?3
  ORDER BY account LIMIT 1)sql";

// ?1 priority, ?2 large, ?3 account, ?4 how many at most: its uploads of this kind, the longest waiting first
inline constexpr std::string_view kReadyHeads = R"sql(
  SELECT id, ready AS rest FROM uploads INDEXED BY uploads_ready
  WHERE ready IS NOT NULL AND priority = ?1 AND large = ?2 AND account = ?3
  ORDER BY next_attempt_ms, id LIMIT ?4)sql";

// The same with the buckets, for which the rows are read.
inline constexpr std::string_view kReadyHeadsWithBuckets = R"sql(
  SELECT id, ready AS rest, bucket FROM uploads INDEXED BY uploads_ready
  WHERE ready IS NOT NULL AND priority = ?1 AND large = ?2 AND account = ?3
  ORDER BY next_attempt_ms, id LIMIT ?4)sql";

inline constexpr std::string_view kWeight = "SELECT weight FROM accounts WHERE cdn = ?1";

inline constexpr std::string_view kAnyReady = R"sql(
  SELECT next_attempt_ms FROM uploads INDEXED BY uploads_ready
  WHERE ready IS NOT NULL LIMIT 1)sql";

// What is ready at a priority, of all accounts and of one.

// ?1 priority, ?2 how many at most
inline constexpr std::string_view kReady = R"sql(
  SELECT next_attempt_ms, ready AS rest FROM uploads INDEXED BY uploads_ready
  WHERE ready IS NOT NULL AND priority = ?1 LIMIT ?2)sql";

// ?1 priority, ?2 how many at most, ?3 large, ?4 account
inline constexpr std::string_view kReadyOfAccount = R"sql(
  SELECT next_attempt_ms, ready AS rest FROM uploads INDEXED BY uploads_ready
  WHERE ready IS NOT NULL AND priority = ?1 AND large = ?3 AND account = ?4 LIMIT ?2)sql";

// What waits for its next attempt.

// ?1 now, ?2 how many at most
inline constexpr std::string_view kEndDelays = R"sql(
  UPDATE uploads SET delayed = 0 WHERE id IN
    (SELECT id FROM uploads INDEXED BY uploads_delayed
     WHERE state = 'queued' AND waiting_on IS NULL AND delayed = 1 AND next_attempt_ms <= ?1
     ORDER BY next_attempt_ms LIMIT ?2))sql";

// ?1 account, ?2 bucket, ?3 how many at most
inline constexpr std::string_view kWakeBucket = R"sql(
  UPDATE uploads SET delayed = 0, next_attempt_ms = created_ms WHERE id IN
    (SELECT id FROM uploads INDEXED BY uploads_open_target
     WHERE account = ?1 AND bucket = ?2 AND finished_ms IS NULL AND state = 'queued' AND delayed = 1 LIMIT ?3))sql";

inline constexpr std::string_view kFirstDelayed = R"sql(
  SELECT next_attempt_ms FROM uploads INDEXED BY uploads_delayed
  WHERE state = 'queued' AND waiting_on IS NULL AND delayed = 1 ORDER BY next_attempt_ms LIMIT 1)sql";

// --- Callbacks

// ?1 upload, ?2 webhook id, ?3 url, ?4 body, ?5 now, ?6 account, ?7 receiver, ?8 counted in its receiver's own row
inline constexpr std::string_view kInsertCallback = R"sql(
  INSERT INTO callbacks (upload_id, webhook_id, url, body, next_attempt_ms, created_ms, account, receiver, own_sums)
  VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8))sql";

// ?1 account: the first account from this one on that has any due
inline constexpr std::string_view kNextDueAccount = R"sql(
  SELECT account FROM callbacks INDEXED BY callbacks_due
  WHERE state = 'pending' AND delayed = 0 AND account >= ?1 ORDER BY account LIMIT 1)sql";

// ?1 account, ?2 receiver: the first of its receivers after this one that has any due
inline constexpr std::string_view kNextDueReceiver = R"sql(
  SELECT receiver FROM callbacks INDEXED BY callbacks_due
  WHERE state = 'pending' AND delayed = 0 AND account = ?1 AND receiver > ?2 ORDER BY receiver LIMIT 1)sql";

// ?1 account, ?2 receiver, ?3 how many at most
inline constexpr std::string_view kDueCallbacks = R"sql(
  SELECT id FROM callbacks INDEXED BY callbacks_due
  WHERE state = 'pending' AND delayed = 0 AND account = ?1 AND receiver = ?2 ORDER BY next_attempt_ms, id LIMIT ?3)sql";

// ?1 account, ?2 receiver, ?3 how many at most. But for those that were sent again, and not tried since.
inline constexpr std::string_view kDueCallbacksNotAskedFor = R"sql(
  SELECT id, upload_id FROM callbacks INDEXED BY callbacks_due
  WHERE state = 'pending' AND delayed = 0 AND account = ?1 AND receiver = ?2
    AND (attempts = 0 OR attempts > attempts_before)
  ORDER BY next_attempt_ms, id LIMIT ?3)sql";

// ?1 id, ?2 now
inline constexpr std::string_view kRefuseCallback = R"sql(
  UPDATE callbacks SET state = 'failed', attempts = attempts + 1, lease_until_ms = NULL, owner = NULL,
                       owner_term = NULL, next_attempt_ms = ?2
  WHERE id = ?1 AND state = 'pending' AND delayed = 0)sql";

inline constexpr std::string_view kAnyDueCallback = R"sql(
  SELECT next_attempt_ms FROM callbacks INDEXED BY callbacks_due WHERE state = 'pending' AND delayed = 0 LIMIT 1)sql";

// What waits for its next attempt, or for the end of its lease.

inline constexpr std::string_view kFirstDelayedCallback = R"sql(
  SELECT next_attempt_ms FROM callbacks INDEXED BY callbacks_delayed
  WHERE delayed = 1 ORDER BY next_attempt_ms LIMIT 1)sql";

// ?1 now, ?2 how many at most
inline constexpr std::string_view kEndCallbackDelays = R"sql(
  UPDATE callbacks SET delayed = 0 WHERE id IN
    (SELECT id FROM callbacks INDEXED BY callbacks_delayed
     WHERE delayed = 1 AND next_attempt_ms <= ?1 ORDER BY next_attempt_ms LIMIT ?2))sql";

// ?1 id, ?2 the lease's end, ?3 node, ?4 its term
inline constexpr std::string_view kClaimCallback = R"sql(
  UPDATE callbacks SET fence = fence + 1, lease_until_ms = ?2, next_attempt_ms = ?2, delayed = 1, owner = ?3,
                       owner_term = ?4
  WHERE id = ?1 AND state = 'pending' AND delayed = 0)sql";

inline constexpr std::string_view kSelectCallback = R"sql(
  SELECT c.id, c.fence, c.upload_id, c.account, c.webhook_id, c.url, c.receiver, c.body,
         c.attempts - c.attempts_before AS attempts, u.options, u.token
  FROM callbacks AS c LEFT JOIN uploads AS u ON u.id = c.upload_id WHERE c.id = ?1)sql";

// ?1 id, ?2 fence, ?3 state, ?4 next attempt
inline constexpr std::string_view kRecordCallback = R"sql(
  UPDATE callbacks SET state = ?3, attempts = attempts + 1, lease_until_ms = NULL, owner = NULL,
                       owner_term = NULL, next_attempt_ms = ?4, delayed = ?3 = 'pending'
  WHERE id = ?1 AND fence = ?2 AND lease_until_ms IS NOT NULL)sql";

// ?1 id, ?2 at, ?3 took, ?4 HTTP status, ?5 error
inline constexpr std::string_view kInsertCallbackAttempt = R"sql(
  INSERT INTO callback_attempts (callback_id, number, at_ms, took_ms, http_status, error)
  SELECT id, attempts, ?2, ?3, ?4, ?5 FROM callbacks WHERE id = ?1)sql";

// Of a node's earlier terms: ?1 node, ?2 its term, ?3 now
inline constexpr std::string_view kReclaimCallbacks = R"sql(
  UPDATE callbacks INDEXED BY callbacks_leased
  SET lease_until_ms = NULL, owner = NULL, owner_term = NULL, next_attempt_ms = ?3, delayed = 0
  WHERE lease_until_ms IS NOT NULL AND owner = ?1 AND owner_term < ?2)sql";

// Lists, newest first; the caller steps as far as it wants. ?1 only below this id

inline constexpr std::string_view kCallbacks =
    "SELECT id, created_ms, state, receiver FROM callbacks WHERE id < ?1 ORDER BY id DESC";

// ?2 state, any but delivered
inline constexpr std::string_view kCallbacksInState = R"sql(
  SELECT id, created_ms, state, receiver FROM callbacks INDEXED BY callbacks_not_delivered
  WHERE state = ?2 AND state <> 'delivered' AND id < ?1 ORDER BY id DESC)sql";

// ?2 account, ?3 state
inline constexpr std::string_view kCallbacksOfAccountInState = R"sql(
  SELECT id, created_ms, state, receiver FROM callbacks INDEXED BY callbacks_in_state
  WHERE account = ?2 AND state = ?3 AND id < ?1 ORDER BY id DESC)sql";

// ?2 account: a walk for each state, which SQLite merges as it goes
#define VODLIFT_CALLBACKS_OF_ACCOUNT(state)                                              \
  "SELECT id, created_ms, state, receiver FROM callbacks INDEXED BY callbacks_in_state " \
  "WHERE account = ?2 AND state = '" state "' AND id < ?1 "
inline constexpr std::string_view kCallbacksOfAccount =
    VODLIFT_CALLBACKS_OF_ACCOUNT("pending") "UNION ALL " VODLIFT_CALLBACKS_OF_ACCOUNT(
        "delivered") "UNION ALL " VODLIFT_CALLBACKS_OF_ACCOUNT("failed") "UNION ALL " VODLIFT_CALLBACKS_OF_ACCOUNT(
        "stopped") "ORDER BY id DESC";
#undef VODLIFT_CALLBACKS_OF_ACCOUNT

// ?1 id
inline constexpr std::string_view kViewCallback = R"sql(
  SELECT id, upload_id, account, webhook_id, url, receiver, body, state, attempts, lease_until_ms, created_ms,
         next_attempt_ms, own_sums FROM callbacks WHERE id = ?1)sql";

// ?1 upload
inline constexpr std::string_view kCallbackOf = "SELECT id FROM callbacks WHERE upload_id = ?1";

// ?1 callback, ?2 how many at most: the last ones, the last first
inline constexpr std::string_view kCallbackAttempts = R"sql(
  SELECT number, at_ms, took_ms, http_status, error FROM callback_attempts
  WHERE callback_id = ?1 ORDER BY number DESC LIMIT ?2)sql";

// ?1 id, ?2 now, ?3 counted in its receiver's own row. A worker whose lease has run out loses it.
inline constexpr std::string_view kSendCallbackAgain = R"sql(
  UPDATE callbacks SET state = 'pending', attempts_before = attempts, fence = fence + 1, lease_until_ms = NULL,
                       owner = NULL, owner_term = NULL, next_attempt_ms = ?2, delayed = 0, own_sums = ?3
  WHERE id = ?1)sql";

// ?1 callback, ?2 up to this number
inline constexpr std::string_view kForgetCallbackAttempts =
    "DELETE FROM callback_attempts WHERE callback_id = ?1 AND number <= ?2";

// --- The ledger of multipart uploads: an entry is in use while next_attempt_ms is NULL, and abandoned after that.

// ?1 upload, ?2 endpoint, ?3 bucket, ?4 key, ?5 now
inline constexpr std::string_view kIntend = R"sql(
  INSERT INTO multipart_ledger (upload_id, account, endpoint, bucket, object_key, first_ms, last_ms)
  VALUES (?1, (SELECT account FROM uploads WHERE id = ?1), ?2, ?3, ?4, ?5, ?5))sql";

// ?1 upload: the Create under way
inline constexpr std::string_view kSelectIntent = R"sql(
  SELECT id, endpoint, first_ms FROM multipart_ledger INDEXED BY multipart_ledger_of_upload
  WHERE upload_id = ?1 AND multipart_id = '' AND next_attempt_ms IS NULL)sql";

// ?1 upload, ?2 endpoint, ?3 not before: an abandoned search that one more Create can be added to
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
inline constexpr std::string_view kAbandonAll = R"sql(
  UPDATE multipart_ledger SET left_ms = ?2, next_attempt_ms = ?2 WHERE upload_id = ?1 AND next_attempt_ms IS NULL)sql";

// ?1 upload, ?2 now
inline constexpr std::string_view kAbandonIntent = R"sql(
  UPDATE multipart_ledger SET left_ms = ?2, next_attempt_ms = ?2
  WHERE upload_id = ?1 AND multipart_id = '' AND next_attempt_ms IS NULL)sql";

#define VODLIFT_LEDGER_COLUMNS                                                                              \
  "SELECT id, upload_id, account, endpoint, bucket, object_key, multipart_id, creates, first_ms, last_ms, " \
  "left_ms, attempts, next_attempt_ms, error FROM multipart_ledger "

// ?1 now, ?2 how many at most
inline constexpr std::string_view kSelectDueAbandoned = VODLIFT_LEDGER_COLUMNS
    "INDEXED BY multipart_ledger_due WHERE next_attempt_ms <= ?1 ORDER BY next_attempt_ms LIMIT ?2";

// ?1 account or NULL, ?2 how many at most
inline constexpr std::string_view kSelectAbandoned = VODLIFT_LEDGER_COLUMNS
    "WHERE next_attempt_ms IS NOT NULL AND (?1 IS NULL OR account = ?1) ORDER BY left_ms, id LIMIT ?2";

#undef VODLIFT_LEDGER_COLUMNS

// ?1 how many of each at most
inline constexpr std::string_view kCountLedger = R"sql(
  SELECT (SELECT count(*) FROM (SELECT 1 FROM multipart_ledger INDEXED BY multipart_ledger_due
                                WHERE next_attempt_ms IS NOT NULL LIMIT ?1)) AS abandoned,
         (SELECT count(*) FROM (SELECT 1 FROM multipart_ledger LIMIT ?1 * 2)) AS entries)sql";

inline constexpr std::string_view kNextAbandonedDue = R"sql(
  SELECT next_attempt_ms FROM multipart_ledger INDEXED BY multipart_ledger_due
  WHERE next_attempt_ms IS NOT NULL ORDER BY next_attempt_ms LIMIT 1)sql";

// ?1 endpoint, ?2 bucket, ?3 key
inline constexpr std::string_view kKnownAt = R"sql(
  SELECT multipart_id, next_attempt_ms IS NULL AS in_use FROM multipart_ledger INDEXED BY multipart_ledger_at
  WHERE bucket = ?2 AND object_key = ?3 AND endpoint = ?1)sql";

// ?1 the entry of the search, ?2 multipart id, ?3 now
inline constexpr std::string_view kAdopt = R"sql(
  INSERT INTO multipart_ledger (upload_id, account, endpoint, bucket, object_key, multipart_id, first_ms, last_ms,
                                left_ms, next_attempt_ms)
  SELECT upload_id, account, endpoint, bucket, object_key, ?2, first_ms, last_ms, left_ms, ?3
  FROM multipart_ledger WHERE id = ?1)sql";

// ?1 the abandoned entry that it is for, ?2 now
inline constexpr std::string_view kIntendProbe = R"sql(
  INSERT INTO multipart_ledger (upload_id, account, endpoint, bucket, object_key, first_ms, last_ms, left_ms,
                                next_attempt_ms)
  SELECT upload_id, account, endpoint, bucket, object_key, ?2, ?2, ?2, ?2 FROM multipart_ledger WHERE id = ?1)sql";

// ?1 id, ?2 until, ?3 attempts to add, ?4 error (NULL: as it was)
inline constexpr std::string_view kPostpone = R"sql(
  UPDATE multipart_ledger SET next_attempt_ms = ?2, attempts = attempts + ?3, error = coalesce(?4, error)
  WHERE id = ?1 AND next_attempt_ms IS NOT NULL)sql";

// ?1 account, ?2 endpoint, ?3 bucket, ?4 until
inline constexpr std::string_view kPostponeBucket = R"sql(
  UPDATE multipart_ledger INDEXED BY multipart_ledger_due SET next_attempt_ms = ?4
  WHERE next_attempt_ms < ?4 AND account = ?1 AND endpoint = ?2 AND bucket = ?3)sql";

// ?1 id
inline constexpr std::string_view kSelectPlace =
    "SELECT endpoint, bucket, object_key FROM multipart_ledger WHERE id = ?1";

inline constexpr std::string_view kDeleteAbandoned =
    "DELETE FROM multipart_ledger WHERE id = ?1 AND next_attempt_ms IS NOT NULL";

// --- Receivers of callbacks

// ?1 account, ?2 receiver, ?3 now
inline constexpr std::string_view kAddWaiting =
    "UPDATE callback_receivers SET waiting = waiting + 1, used_ms = ?3 WHERE account = ?1 AND receiver = ?2";
inline constexpr std::string_view kAddReceiver =
    "INSERT INTO callback_receivers (account, receiver, waiting, used_ms) VALUES (?1, ?2, 1, ?3)";

inline constexpr std::string_view kCountReceivers = "SELECT count(*) AS receivers FROM callback_receivers";
// ?1 account
inline constexpr std::string_view kCountReceiversOf =
    "SELECT count(*) AS receivers FROM callback_receivers WHERE account = ?1";

// ?1 used before then
inline constexpr std::string_view kForgetIdleReceivers =
    "DELETE FROM callback_receivers WHERE account > 0 AND waiting = 0 AND used_ms <= ?1";
inline constexpr std::string_view kReceiversSwept = "SELECT value FROM counters WHERE name = 'receivers_swept'";
// ?1 now
inline constexpr std::string_view kPutReceiversSwept = "UPDATE counters SET value = ?1 WHERE name = 'receivers_swept'";

#define VODLIFT_RECEIVER_COLUMNS                                                                          \
  "r.account, r.receiver, r.day, r.delivered, r.delivered_before, r.failed, r.failed_before, r.waiting, " \
  "r.latency_ms, r.last_error, r.last_failure_ms, r.last_success_ms, r.failing_since_ms, r.used_ms "
// Where a callback is counted: ?1 callback
inline constexpr std::string_view kReceiverOf = "SELECT " VODLIFT_RECEIVER_COLUMNS
                                                "FROM callbacks AS c CROSS JOIN callback_receivers AS r "
                                                "ON r.account = iif(c.own_sums, c.account, 0) "
                                                "AND r.receiver = iif(c.own_sums, c.receiver, '') WHERE c.id = ?1";

// ?1 account, ?2 receiver
inline constexpr std::string_view kReceiver =
    "SELECT " VODLIFT_RECEIVER_COLUMNS "FROM callback_receivers AS r WHERE r.account = ?1 AND r.receiver = ?2";

// ?1 account, or 0: all; ?2 how many at most. The table is small.
inline constexpr std::string_view kReceivers =
    "SELECT " VODLIFT_RECEIVER_COLUMNS
    "FROM callback_receivers AS r WHERE (?1 = 0 OR r.account = ?1) AND r.used_ms IS NOT NULL "
    "ORDER BY r.failing_since_ms IS NULL, r.failing_since_ms, r.waiting DESC, r.account, r.receiver LIMIT ?2";
#undef VODLIFT_RECEIVER_COLUMNS

// ?1 account, ?2 receiver, then the columns in the table's order
inline constexpr std::string_view kPutReceiver = R"sql(
  UPDATE callback_receivers SET day = ?3, delivered = ?4, delivered_before = ?5, failed = ?6, failed_before = ?7,
         waiting = ?8, latency_ms = ?9, last_error = ?10, last_failure_ms = ?11, last_success_ms = ?12,
         failing_since_ms = ?13, used_ms = ?14
  WHERE account = ?1 AND receiver = ?2)sql";

// --- Nodes

// ?1 name, ?2 now
inline constexpr std::string_view kJoin = R"sql(
  INSERT INTO nodes (name, term, started_ms, beat_ms) VALUES (?1, 1, ?2, ?2)
  ON CONFLICT (name) DO UPDATE SET term = term + 1, started_ms = ?2, beat_ms = ?2, left_ms = NULL
  RETURNING id, term)sql";

// ?1 id, ?2 term, ?3 now
inline constexpr std::string_view kBeat = "UPDATE nodes SET beat_ms = ?3 WHERE id = ?1 AND term = ?2";
inline constexpr std::string_view kLeave = "UPDATE nodes SET beat_ms = ?3, left_ms = ?3 WHERE id = ?1 AND term = ?2";

// What waits for longer than anything of its kind may: ?1 the last time that may be, ?2 how many at most
inline constexpr std::string_view kShortenUploads = R"sql(
  UPDATE uploads SET next_attempt_ms = ?1 WHERE id IN
    (SELECT id FROM uploads INDEXED BY uploads_delayed
     WHERE state = 'queued' AND waiting_on IS NULL AND delayed = 1 AND next_attempt_ms > ?1 LIMIT ?2))sql";
inline constexpr std::string_view kShortenCallbacks = R"sql(
  UPDATE callbacks SET next_attempt_ms = ?1, lease_until_ms = iif(lease_until_ms IS NULL, NULL, ?1) WHERE id IN
    (SELECT id FROM callbacks INDEXED BY callbacks_delayed WHERE delayed = 1 AND next_attempt_ms > ?1 LIMIT ?2))sql";
inline constexpr std::string_view kShortenMultiparts = R"sql(
  UPDATE multipart_ledger SET next_attempt_ms = ?1 WHERE id IN
    (SELECT id FROM multipart_ledger INDEXED BY multipart_ledger_due WHERE next_attempt_ms > ?1 LIMIT ?2))sql";

// What is leased is the one node's.
inline constexpr std::string_view kNodes = R"sql(
  SELECT id, term, name, started_ms, beat_ms, left_ms,
         (SELECT count(*) FROM uploads WHERE lease_until_ms IS NOT NULL) AS uploads,
         (SELECT max(lease_until_ms) FROM uploads WHERE lease_until_ms IS NOT NULL) AS leases_until_ms,
         (SELECT count(*) FROM callbacks WHERE lease_until_ms IS NOT NULL) AS callbacks
  FROM nodes ORDER BY id)sql";

}  // namespace vodlift::store::sql
