// Rows of uploads, of their journals and their signatures.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "core/stored_upload.h"
#include "postgres/pg_connection.h"

namespace vodlift::postgres {

// Newest first, each once; those that do not exist are left out. A row that cannot be understood is a failure of the
// connection.
std::vector<StoredUpload> load_uploads(PgConnection& connection, const std::vector<UploadId>& ids);

// The next row as an upload, where a statement answers all its columns.
std::optional<StoredUpload> stored_upload_in(PgConnection& connection, const PgResult& row);

// The open multipart uploads of these uploads, with their parts; those that have none are left out.
std::map<UploadId, OpenMultipart> load_journals(PgConnection& connection, const std::vector<UploadId>& ids);

// The upload that was answered to the request with this digest.
std::optional<UploadId> find_signature(PgConnection& connection, std::int64_t key_id, const RequestSignature& digest);

// Its place among the chains of uploads to one object: a hash, so uploads to two objects may, very rarely, wait for
// each other too.
std::int64_t target_of(AccountId account, std::string_view bucket, std::string_view destination_path);

}  // namespace vodlift::postgres
