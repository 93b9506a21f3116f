// The statements that tell what is ready to run; beside those of the queue for the same reason.
#pragma once

#include <string_view>

namespace vodlift::store::sql {

// What is ready to run (docs/storage.md): ?1 priority.

// ?2 account: the next one after it that has any
inline constexpr std::string_view kNextReadyAccount = R"sql(
  SELECT account FROM uploads INDEXED BY uploads_ready
  WHERE state = 'queued' AND waiting_on IS NULL AND delayed = 0 AND priority = ?1 AND account > ?2
  ORDER BY account LIMIT 1)sql";

// ?2 account, ?3 large: the one of its kind that waits longest
inline constexpr std::string_view kReadyHead = R"sql(
  SELECT id, size - bytes_sent FROM uploads INDEXED BY uploads_ready
  WHERE state = 'queued' AND waiting_on IS NULL AND delayed = 0 AND priority = ?1 AND account = ?2 AND large = ?3
  ORDER BY next_attempt_ms, id LIMIT 1)sql";

inline constexpr std::string_view kWeight = "SELECT weight FROM accounts WHERE cdn = ?1";

inline constexpr std::string_view kAnyReady = R"sql(
  SELECT next_attempt_ms FROM uploads INDEXED BY uploads_ready
  WHERE state = 'queued' AND waiting_on IS NULL AND delayed = 0 LIMIT 1)sql";

// What waits for its next attempt.

// ?1 now, ?2 how many at most
inline constexpr std::string_view kEndDelays = R"sql(
  UPDATE uploads SET delayed = 0 WHERE id IN
    (SELECT id FROM uploads INDEXED BY uploads_delayed
     WHERE state = 'queued' AND waiting_on IS NULL AND delayed = 1 AND next_attempt_ms <= ?1
     ORDER BY next_attempt_ms LIMIT ?2))sql";

inline constexpr std::string_view kFirstDelayed = R"sql(
  SELECT next_attempt_ms FROM uploads INDEXED BY uploads_delayed
  WHERE state = 'queued' AND waiting_on IS NULL AND delayed = 1 ORDER BY next_attempt_ms LIMIT 1)sql";

// ?1 id, ?2 fence: the turn of a large upload: what it had to send when it began, and what of it was sent
inline constexpr std::string_view kTurn = R"sql(
  SELECT priority, account, size - attempt_first_byte, bytes_sent - attempt_first_byte FROM uploads
  WHERE id = ?1 AND fence = ?2 AND state = 'uploading' AND large = 1)sql";

}  // namespace vodlift::store::sql
