// Between rows of the database and the structs of core/upload.h.
#pragma once

#include <optional>
#include <string>

#include "core/upload.h"
#include "core/upload_store.h"
#include "core/work_queue.h"
#include "store/sqlite_connection.h"

namespace vodlift::store {

// An upload with what only the store and its worker know.
struct StoredUpload {
  Upload upload;
  std::string token;
  std::int64_t fence = 0;
  std::optional<Unanswered> unanswered{};  // as in ClaimedUpload
  bool only_look = false;
};

// The JSON objects that the columns of these names hold.
struct UploadTexts {
  std::string metadata;
  std::string options;
};
UploadTexts texts_of(const NewUpload& upload);

// The trace of an upload, from the columns of these names.
Trace trace_in(const std::string& options, const std::string& token);

// Adds the row; `texts` are made beforehand, so that the writer's thread need not.
UploadId insert_upload(SqliteConnection& connection, const NewUpload& upload, const UploadTexts& texts,
                       std::optional<UploadId> waiting_on, WallTime created);

// Nothing when there is no such upload or the connection has failed (also by a row that cannot be understood).
std::optional<StoredUpload> load_upload(SqliteConnection& connection, UploadId id);

// The open multipart upload and its parts; an empty one where none is open.
OpenMultipart load_journal(SqliteConnection& connection, UploadId id);

// Replaces the journal, parts not included; an empty multipart_id leaves none.
void store_journal(SqliteConnection& connection, UploadId id, const OpenMultipart& journal);

void store_part(SqliteConnection& connection, UploadId id, const Part& part, WallTime confirmed);

// Text of others, fit to be kept: printable, at most `max_bytes`.
std::string kept_message(std::string_view message);

}  // namespace vodlift::store
