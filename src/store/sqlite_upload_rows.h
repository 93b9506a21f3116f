// Rows of uploads and of their journals in SQLite.
#pragma once

#include <optional>

#include "core/stored_upload.h"
#include "store/sqlite_connection.h"

namespace vodlift::store {

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

}  // namespace vodlift::store
