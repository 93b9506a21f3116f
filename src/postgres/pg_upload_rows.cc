#include "postgres/pg_upload_rows.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "postgres/multipart_statements.h"
#include "postgres/upload_statements.h"

namespace vodlift::postgres {

std::optional<StoredUpload> stored_upload_in(PgConnection& connection, const PgResult& row) {
  const UploadId id = row.integer("id");
  auto stored = read_stored_upload(row, id);
  if (!stored) connection.fail(fmt::format("the row of upload {} cannot be understood", id));
  return stored;
}

std::vector<StoredUpload> load_uploads(PgConnection& connection, const std::vector<UploadId>& ids) {
  std::vector<StoredUpload> found;
  if (ids.empty()) return found;
  auto row = connection.run(sql::kSelectUploads, ids);
  while (row.next()) {
    auto stored = stored_upload_in(connection, row);
    if (!stored) return {};
    found.push_back(std::move(*stored));
  }
  return found;
}

std::map<UploadId, OpenMultipart> load_journals(PgConnection& connection, const std::vector<UploadId>& ids) {
  std::map<UploadId, OpenMultipart> journals;
  if (ids.empty()) return journals;
  auto row = connection.run(sql::kSelectMultiparts, ids);
  while (row.next()) journals.emplace(row.integer("upload_id"), read_multipart(row));
  if (journals.empty()) return journals;
  auto part = connection.run(sql::kSelectParts, ids);
  while (part.next()) {
    if (const auto of = journals.find(part.integer("upload_id")); of != journals.end()) {
      of->second.parts.push_back(read_part(part));
    }
  }
  return journals;
}

std::optional<UploadId> find_signature(PgConnection& connection, std::int64_t key_id, const RequestSignature& digest) {
  auto row = connection.run(sql::kFindSignatures, std::vector{digest.timestamp}, std::vector{key_id},
                            std::vector{Bytes{digest.mac}});
  return row.next() ? std::optional(row.integer("upload_id")) : std::nullopt;
}

std::int64_t target_of(AccountId account, std::string_view bucket, std::string_view destination_path) {
  const std::string name = fmt::format("{} {} {} ", account, bucket.size(), bucket) + std::string(destination_path);
  const Sha256Digest digest = sha256(bytes_of(name));
  std::uint64_t target = 0;
  for (std::size_t at = 0; at < sizeof target; ++at) target = (target << 8) | digest.at(at);
  return static_cast<std::int64_t>(target);
}

}  // namespace vodlift::postgres
