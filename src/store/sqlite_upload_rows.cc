#include "store/sqlite_upload_rows.h"

#include <fmt/format.h>

#include <bit>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "core/upload_fields.h"
#include "store/sqlite_upload_sql.h"

namespace vodlift::store {
namespace {

constexpr std::size_t kMaxMessageBytes = 1024;

constexpr std::string_view kRetryOf = "retry_of";

std::optional<boost::json::value> json_from(const std::string& text) {
  boost::system::error_code failed;
  auto value = boost::json::parse(text, failed);
  return failed ? std::nullopt : std::optional(std::move(value));
}

std::optional<Metadata> metadata_from(const std::string& text) {
  const auto value = json_from(text);
  return value ? pairs_from_json(*value) : std::nullopt;
}

// False: the column holds something that this build does not know.
bool read_options(const std::string& text, Upload& upload) {
  if (text == "{}") return true;
  const auto value = json_from(text);
  const auto* object = value ? value->if_object() : nullptr;
  auto options = object != nullptr ? options_from_json(*object) : std::nullopt;
  if (!options) return false;
  upload.request.options = std::move(*options);
  if (const auto* given = object->if_contains(kRetryOf)) {
    if (!given->is_int64()) return false;
    upload.retry_of = given->get_int64();
  }
  return true;
}

std::optional<WallTime> optional_time(const SqliteStatement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return from_unix_ms(row.integer(column));
}

// Columns of sql::kSelectUpload.
enum Column : int {
  kAccount,
  kState,
  kPriority,
  kPath,
  kDestinationPath,
  kBucket,
  kAcl,
  kMetadata,
  kCallback,
  kSize,
  kBytesSent,
  kAttempts,
  kAclApplied,
  kEtag,
  kChecksum,
  kVersionId,
  kErrorCode,
  kErrorMessage,
  kErrorRetryable,
  kCreated,
  kStarted,
  kFinished,
  kNextAttempt,
  kToken,
  kFence,
  kOptions,
  kAttemptStarted,
  kAttemptFirstByte,
  kCallbackState,
};

// False: the row holds a word this build does not know.
bool read_request(const SqliteStatement& row, UploadRequest& request) {
  request.path = row.text(kPath);
  request.destination_path = row.text(kDestinationPath);
  request.bucket = row.text(kBucket);
  request.callback = row.text(kCallback);
  request.priority = static_cast<int>(row.integer(kPriority));
  const auto acl = acl_from(row.text(kAcl));
  auto metadata = metadata_from(row.text(kMetadata));
  if (!acl || !metadata) return false;
  request.acl = *acl;
  request.metadata = std::move(*metadata);
  return true;
}

std::optional<CallbackState> read_callback_state(const SqliteStatement& row, const Upload& upload) {
  if (upload.request.callback.empty()) return CallbackState::none;
  if (!is_end(upload.state)) return CallbackState::waiting;
  // Between the end and the callback's row, inside one transaction, there is none yet.
  if (row.is_null(kCallbackState)) return CallbackState::pending;
  return callback_state_from(row.text(kCallbackState));
}

bool read_upload(const SqliteStatement& row, Upload& upload) {
  const auto state = upload_state_from(row.text(kState));
  if (!state || !read_request(row, upload.request) || !read_options(row.text(kOptions), upload)) return false;
  upload.state = *state;
  upload.account = row.integer(kAccount);
  upload.acl_applied = acl_from(row.text(kAclApplied));
  upload.size = row.integer(kSize);
  upload.bytes_sent = row.integer(kBytesSent);
  upload.attempts = static_cast<int>(row.integer(kAttempts));
  upload.verification = {row.text(kEtag), row.text(kChecksum), row.text(kVersionId)};
  if (!row.is_null(kErrorCode)) {
    upload.error =
        UploadError{errc_from_name(row.text(kErrorCode)), row.text(kErrorMessage), row.integer(kErrorRetryable) != 0};
  }
  upload.created = from_unix_ms(row.integer(kCreated));
  upload.started = optional_time(row, kStarted);
  upload.finished = optional_time(row, kFinished);
  upload.attempt_started = optional_time(row, kAttemptStarted);
  upload.attempt_first_byte = row.integer(kAttemptFirstByte);
  const auto next_attempt = from_unix_ms(row.integer(kNextAttempt));
  const bool for_later = upload.state == UploadState::queued && next_attempt > upload.created;
  if (for_later) upload.next_attempt = next_attempt;
  const auto callback_state = read_callback_state(row, upload);
  if (callback_state) upload.callback_state = *callback_state;
  return callback_state.has_value();
}

}  // namespace

UploadTexts texts_of(const NewUpload& upload) {
  boost::json::object options = options_json(upload.request.options);
  if (upload.retry_of != 0) options.emplace(kRetryOf, upload.retry_of);
  return {boost::json::serialize(pairs_json(upload.request.metadata)), boost::json::serialize(options)};
}

UploadId insert_upload(SqliteConnection& connection, const NewUpload& upload, const UploadTexts& texts,
                       std::optional<UploadId> waiting_on) {
  const UploadRequest& request = upload.request;
  auto insert = connection.prepare(sql::kInsertUpload);
  insert.bind(upload.account, upload.key_id, request.priority, request.path, request.destination_path, request.bucket,
              to_string(request.acl), texts.metadata, request.callback, upload.token, upload.size, waiting_on,
              to_unix_ms(upload.created), texts.options);
  return insert.run() ? connection.last_insert_id() : 0;
}

std::optional<StoredUpload> load_upload(SqliteConnection& connection, UploadId id) {
  auto row = connection.prepare(sql::kSelectUpload);
  row.bind(id);
  if (!row.step()) return std::nullopt;
  StoredUpload stored;
  stored.upload.id = id;
  stored.token = row.text(kToken);
  stored.fence = row.integer(kFence);
  if (!read_upload(row, stored.upload)) {
    connection.fail(fmt::format("the row of upload {} cannot be understood", id));
    return std::nullopt;
  }
  return stored;
}

MultipartJournal load_journal(SqliteConnection& connection, UploadId id) {
  MultipartJournal journal;
  auto row = connection.prepare(sql::kSelectMultipart);
  row.bind(id);
  if (!row.step()) return journal;
  journal.multipart_id = row.text(0);
  journal.part_size = row.integer(1);
  journal.checksum_mode = checksum_mode_from(row.text(2)).value_or(ChecksumMode::unknown);
  journal.source = {std::bit_cast<std::uint64_t>(row.integer(3)), std::bit_cast<std::uint64_t>(row.integer(4)),
                    row.integer(5), row.integer(6), row.integer(7)};
  journal.acl = acl_from(row.text(8)).value_or(Acl::private_acl);
  journal.endpoint = row.text(9);
  auto part = connection.prepare(sql::kSelectParts);
  part.bind(id);
  while (part.step()) {
    journal.parts.push_back({static_cast<int>(part.integer(0)), part.integer(1), part.text(2),
                             static_cast<std::uint32_t>(part.integer(3)), part.blob(4)});
  }
  return journal;
}

void store_journal(SqliteConnection& connection, UploadId id, const MultipartJournal& journal) {
  connection.prepare(sql::kDeleteMultipart).bind(id).run();
  if (journal.multipart_id.empty()) return;
  const SourceIdentity& source = journal.source;
  connection.prepare(sql::kInsertMultipart)
      .bind(id, journal.multipart_id, journal.part_size, to_string(journal.checksum_mode),
            std::bit_cast<std::int64_t>(source.device), std::bit_cast<std::int64_t>(source.inode), source.size,
            source.change_ns, source.modified_ns, to_string(journal.acl))
      .run();
}

void store_part(SqliteConnection& connection, UploadId id, const Part& part) {
  connection.prepare(sql::kPutPart)
      .bind(id, part.number, part.size, part.etag, std::int64_t{part.crc32c}, Blob{part.md5})
      .run();
}

std::string kept_message(std::string_view message) { return printable(message, kMaxMessageBytes); }

}  // namespace vodlift::store
