// The SQL statements of the retention; the test of the query plans explains these very texts.
#pragma once

#include <string_view>

namespace vodlift::store::sql {

// ?1 state, ?2 and ?3 end and id to go on after, ?4 ended until, ?5 how many at most
inline constexpr std::string_view kEnded = R"sql(
  SELECT id, finished_ms,
         NOT EXISTS (SELECT 1 FROM callbacks WHERE callbacks.upload_id = uploads.id AND callbacks.state = 'pending')
           AS removable
  FROM uploads INDEXED BY uploads_ended
  WHERE finished_ms IS NOT NULL AND state = ?1 AND (finished_ms, id) > (?2, ?3) AND finished_ms <= ?4
  ORDER BY finished_ms, id LIMIT ?5)sql";

// ?1 id: a row if the upload may be removed
inline constexpr std::string_view kRemovable = R"sql(
  SELECT account, state, size FROM uploads
  WHERE id = ?1 AND finished_ms IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM callbacks WHERE upload_id = ?1 AND callbacks.state = 'pending'))sql";

// ?1 upload. Foreign keys remove the attempts of both with them, and the journal with its parts.
inline constexpr std::string_view kRemoveCallback = "DELETE FROM callbacks WHERE upload_id = ?1";
inline constexpr std::string_view kRemoveUpload = "DELETE FROM uploads WHERE id = ?1";

// ?1 account, ?2 state: the counts have one less, which is no end less
inline constexpr std::string_view kForgetEnd = R"sql(
  INSERT INTO statistics_ends (account, state, uploads) VALUES (?1, ?2, -1)
  ON CONFLICT (account, state) DO UPDATE SET uploads = uploads - 1)sql";

}  // namespace vodlift::store::sql
