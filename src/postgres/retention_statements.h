// The SQL statements of the retention; the test of the query plans explains these very texts. A state is compared by
// CASE where another column finds the row: see queue_statements.h.
#pragma once

#include <string_view>

namespace vodlift::postgres::sql {

// $1 state, $2 and $3 end and id to go on after, $4 ended until, $5 how many at most
inline constexpr std::string_view kEnded = R"sql(
  SELECT id, finished_ms,
         NOT EXISTS (SELECT 1 FROM callbacks c WHERE c.upload_id = e.id AND CASE c.state WHEN 'pending' THEN true END)
           AS removable
  FROM ended_uploads e WHERE state = $1 AND (finished_ms, id) > ($2, $3) AND finished_ms <= $4
  ORDER BY finished_ms, id LIMIT $5)sql";

// $1 uploads: nobody sends their callbacks again before this transaction ends
inline constexpr std::string_view kLockCallbacksOf = R"sql(
  SELECT c.id FROM unnest($1) AS g (id) JOIN callbacks c ON c.upload_id = g.id ORDER BY c.id FOR UPDATE OF c)sql";

// $1 uploads: removes those that have ended and wait for no callback
inline constexpr std::string_view kRemoveEnded = R"sql(
  DELETE FROM ended_uploads e USING unnest($1) AS g (id)
  WHERE e.id = g.id AND NOT EXISTS (
    SELECT 1 FROM callbacks c WHERE c.upload_id = g.id AND CASE c.state WHEN 'pending' THEN true END)
  RETURNING e.id, e.account, e.state, e.size)sql";

// What belongs to these uploads: $1 uploads
inline constexpr std::string_view kRemoveUploads = "DELETE FROM uploads u USING unnest($1) AS g (id) WHERE u.id = g.id";
inline constexpr std::string_view kRemoveRetries =
    "DELETE FROM retries r USING unnest($1) AS g (id) WHERE r.upload_id = g.id";
inline constexpr std::string_view kRemoveAttempts =
    "DELETE FROM upload_attempts a USING unnest($1) AS g (id) WHERE a.upload_id = g.id";
inline constexpr std::string_view kRemoveCallbacks =
    "DELETE FROM callbacks c USING unnest($1) AS g (id) WHERE c.upload_id = g.id RETURNING c.id";
// $1 callbacks
inline constexpr std::string_view kRemoveCallbackTexts =
    "DELETE FROM callback_texts t USING unnest($1) AS g (id) WHERE t.callback_id = g.id";
inline constexpr std::string_view kRemoveCallbackAttempts =
    "DELETE FROM callback_attempts a USING unnest($1) AS g (id) WHERE a.callback_id = g.id";

// $1 account, $2 state, $3 how many: the counts have so many less, which is no end less
inline constexpr std::string_view kForgetEnds = R"sql(
  INSERT INTO statistics_ends AS s (account, state, uploads) VALUES ($1, $2, -$3)
  ON CONFLICT (account, state) DO UPDATE SET uploads = s.uploads - $3)sql";

}  // namespace vodlift::postgres::sql
