// The statements of the callbacks; beside those of the queue for the same reason.
#pragma once

#include <string_view>

namespace vodlift::store::sql {

// ?1 upload, ?2 webhook id, ?3 url, ?4 body, ?5 now
inline constexpr std::string_view kInsertCallback = R"sql(
  INSERT INTO callbacks (upload_id, webhook_id, url, body, next_attempt_ms, created_ms)
  VALUES (?1, ?2, ?3, ?4, ?5, ?5))sql";

// ?1 now, ?2 how many at most
inline constexpr std::string_view kDueCallbacks = R"sql(
  SELECT id FROM callbacks INDEXED BY callbacks_due
  WHERE state = 'pending' AND next_attempt_ms <= ?1 ORDER BY next_attempt_ms, id LIMIT ?2)sql";

inline constexpr std::string_view kNextDueCallback = R"sql(
  SELECT next_attempt_ms FROM callbacks INDEXED BY callbacks_due
  WHERE state = 'pending' ORDER BY next_attempt_ms LIMIT 1)sql";

// ?1 id, ?2 lease's end. While leased a callback is due again when the lease runs out: nobody has to rescue it.
inline constexpr std::string_view kClaimCallback = R"sql(
  UPDATE callbacks SET fence = fence + 1, lease_until_ms = ?2, next_attempt_ms = ?2 WHERE id = ?1)sql";

inline constexpr std::string_view kSelectCallback = R"sql(
  SELECT callbacks.id, callbacks.fence, callbacks.upload_id, uploads.account, callbacks.webhook_id, callbacks.url,
         callbacks.body, callbacks.attempts
  FROM callbacks JOIN uploads ON uploads.id = callbacks.upload_id WHERE callbacks.id = ?1)sql";

// ?1 id, ?2 fence, ?3 state, ?4 next attempt
inline constexpr std::string_view kRecordCallback = R"sql(
  UPDATE callbacks SET state = ?3, attempts = attempts + 1, lease_until_ms = NULL, next_attempt_ms = ?4
  WHERE id = ?1 AND fence = ?2 AND lease_until_ms IS NOT NULL)sql";

// ?1 id, ?2 at, ?3 took, ?4 HTTP status, ?5 error
inline constexpr std::string_view kInsertCallbackAttempt = R"sql(
  INSERT INTO callback_attempts (callback_id, number, at_ms, took_ms, http_status, error)
  SELECT id, attempts, ?2, ?3, ?4, ?5 FROM callbacks WHERE id = ?1)sql";

// ?1 now
inline constexpr std::string_view kReleaseCallbacks = R"sql(
  UPDATE callbacks SET lease_until_ms = NULL, next_attempt_ms = ?1 WHERE lease_until_ms IS NOT NULL)sql";

}  // namespace vodlift::store::sql
