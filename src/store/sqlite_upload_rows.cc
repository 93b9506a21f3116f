#include "store/sqlite_upload_rows.h"

#include <fmt/format.h>

#include <bit>

#include "store/sqlite_statements.h"

namespace vodlift::store {

UploadId insert_upload(SqliteConnection& connection, const NewUpload& upload, const UploadTexts& texts,
                       std::optional<UploadId> waiting_on, WallTime created) {
  const UploadRequest& request = upload.request;
  auto insert = connection.prepare(sql::kInsertUpload);
  insert.bind(upload.account, upload.key_id, request.priority, request.path, request.destination_path, request.bucket,
              to_string(request.acl), texts.metadata, request.callback, upload.token, upload.size, waiting_on,
              to_unix_ms(created), texts.options);
  return insert.run() ? connection.last_insert_id() : 0;
}

std::optional<StoredUpload> load_upload(SqliteConnection& connection, UploadId id) {
  auto row = connection.prepare(sql::kSelectUpload);
  row.bind(id);
  if (!row.step()) return std::nullopt;
  auto stored = read_stored_upload(row, id);
  if (!stored) connection.fail(fmt::format("the row of upload {} cannot be understood", id));
  return stored;
}

OpenMultipart load_journal(SqliteConnection& connection, UploadId id) {
  auto row = connection.prepare(sql::kSelectMultipart);
  row.bind(id);
  if (!row.step()) return {};
  OpenMultipart journal = read_multipart(row);
  auto part = connection.prepare(sql::kSelectParts);
  part.bind(id);
  while (part.step()) journal.parts.push_back(read_part(part));
  return journal;
}

void store_journal(SqliteConnection& connection, UploadId id, const OpenMultipart& journal) {
  connection.prepare(sql::kDeleteMultipart).bind(id).run();
  if (journal.multipart_id.empty()) return;
  const SourceIdentity& source = journal.source;
  connection.prepare(sql::kInsertMultipart)
      .bind(id, journal.multipart_id, journal.part_size, to_string(journal.checksum_mode),
            std::bit_cast<std::int64_t>(source.device), std::bit_cast<std::int64_t>(source.inode), source.size,
            source.change_ns, source.modified_ns, to_string(journal.acl))
      .run();
}

void store_part(SqliteConnection& connection, UploadId id, const Part& part, WallTime confirmed) {
  connection.prepare(sql::kPutPart)
      .bind(id, part.number, part.size, part.etag, std::int64_t{part.crc32c}, Blob{part.md5}, to_unix_ms(confirmed))
      .run();
}

}  // namespace vodlift::store
