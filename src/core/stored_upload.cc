#include "core/stored_upload.h"

#include <bit>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "core/upload_fields.h"

namespace vodlift {
namespace {

constexpr std::size_t kMaxMessageBytes = 1024;

constexpr std::string_view kRetryOf = "retry_of";
constexpr std::string_view kTrace = "trace";

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

// False: the row holds a word this build does not know.
bool read_request(const Row& row, UploadRequest& request) {
  request.path = row.text("path");
  request.destination_path = row.text("destination_path");
  request.bucket = row.text("bucket");
  request.callback = row.text("callback");
  request.priority = static_cast<int>(row.integer("priority"));
  const auto acl = acl_from(row.text("acl"));
  auto metadata = metadata_from(row.text("metadata"));
  if (!acl || !metadata) return false;
  request.acl = *acl;
  request.metadata = std::move(*metadata);
  return true;
}

std::optional<CallbackState> read_callback_state(const Row& row, const Upload& upload) {
  if (upload.request.callback.empty()) return CallbackState::none;
  if (!is_end(upload.state)) return CallbackState::waiting;
  // One transaction ends the upload first, and adds the callback's row afterwards.
  if (row.is_null("callback_state")) return CallbackState::pending;
  return callback_state_from(row.text("callback_state"));
}

bool read_upload(const Row& row, const std::string& token, Upload& upload) {
  const auto state = upload_state_from(row.text("state"));
  if (!state || !read_request(row, upload.request)) return false;
  const std::string options = row.text("options");
  if (!read_options(options, upload)) return false;
  upload.trace = trace_in(options, token);
  upload.state = *state;
  upload.account = row.integer("account");
  upload.acl_applied = acl_from(row.text("acl_applied"));
  upload.size = row.integer("size");
  upload.bytes_sent = row.integer("bytes_sent");
  upload.attempts = static_cast<int>(row.integer("attempts"));
  upload.verification = {row.text("etag"), row.text("checksum"), row.text("version_id")};
  if (!row.is_null("error_code")) {
    upload.error = UploadError{errc_from_name(row.text("error_code")), row.text("error_message"),
                               row.integer("error_retryable") != 0, row.text("error_detail")};
  }
  upload.created = from_unix_ms(row.integer("created_ms"));
  upload.started = row.optional_time("started_ms");
  upload.finished = row.optional_time("finished_ms");
  upload.attempt_started = row.optional_time("attempt_started_ms");
  upload.attempt_first_byte = row.integer("attempt_first_byte");
  upload.retried_as = row.optional_integer("retried_as").value_or(0);
  const auto next_attempt = from_unix_ms(row.integer("next_attempt_ms"));
  const bool for_later = upload.state == UploadState::queued && next_attempt > upload.created;
  if (for_later) upload.next_attempt = next_attempt;
  const auto callback_state = read_callback_state(row, upload);
  if (callback_state) upload.callback_state = *callback_state;
  return callback_state.has_value();
}

std::optional<Unanswered> unanswered_of(const Row& row) {
  const auto since_ms = row.optional_integer("unanswered_ms");
  if (!since_ms) return std::nullopt;
  const auto size = row.optional_integer("sent_size");
  const auto crc32c = row.optional_integer("sent_crc32c");
  Unanswered unanswered{from_unix_ms(*since_ms)};
  if (size && crc32c) unanswered.sent = SentBytes{*size, static_cast<std::uint32_t>(*crc32c)};
  return unanswered;
}

}  // namespace

UploadTexts texts_of(const NewUpload& upload) {
  boost::json::object options = options_json(upload.request.options);
  if (upload.retry_of != 0) options.emplace(kRetryOf, upload.retry_of);
  if (upload.trace) options.emplace(kTrace, trace_text(*upload.trace));
  return {boost::json::serialize(pairs_json(upload.request.metadata)), boost::json::serialize(options)};
}

Trace trace_in(const std::string& options, const std::string& token) {
  if (options != "{}") {
    const auto value = json_from(options);
    const auto* object = value ? value->if_object() : nullptr;
    const auto* given = object != nullptr ? object->if_contains(kTrace) : nullptr;
    auto trace = given != nullptr && given->is_string() ? trace_from_text(given->get_string()) : std::nullopt;
    if (trace) return std::move(*trace);
  }
  return trace_of_token(token);
}

std::optional<StoredUpload> read_stored_upload(const Row& row, UploadId id) {
  StoredUpload stored;
  stored.upload.id = id;
  stored.token = row.text("token");
  stored.fence = row.integer("fence");
  stored.unanswered = unanswered_of(row);
  stored.only_look = row.integer("only_look") != 0;
  if (!read_upload(row, stored.token, stored.upload)) return std::nullopt;
  return stored;
}

bool read_filtered_upload(const Row& row, Upload& upload) {
  const auto state = upload_state_from(row.text("state"));
  if (!state) return false;
  upload.account = row.integer("account");
  upload.state = *state;
  upload.request.priority = static_cast<int>(row.integer("priority"));
  upload.request.path = row.text("path");
  upload.request.destination_path = row.text("destination_path");
  upload.request.bucket = row.text("bucket");
  upload.error.reset();
  if (!row.is_null("error_code")) upload.error = UploadError{errc_from_name(row.text("error_code")), {}, false};
  upload.created = from_unix_ms(row.integer("created_ms"));
  return true;
}

OpenMultipart read_multipart(const Row& row) {
  OpenMultipart open;
  open.multipart_id = row.text("multipart_id");
  open.part_size = row.integer("part_size");
  open.checksum_mode = checksum_mode_from(row.text("checksum_mode")).value_or(ChecksumMode::unknown);
  open.source = {std::bit_cast<std::uint64_t>(row.integer("source_device")),
                 std::bit_cast<std::uint64_t>(row.integer("source_inode")), row.integer("source_size"),
                 row.integer("source_change_ns"), row.integer("source_modified_ns")};
  open.acl = acl_from(row.text("acl")).value_or(Acl::private_acl);
  open.endpoint = row.text("endpoint");
  return open;
}

Part read_part(const Row& row) {
  return {static_cast<int>(row.integer("number")), row.integer("size"), row.text("etag"),
          static_cast<std::uint32_t>(row.integer("crc32c")), row.blob("md5")};
}

std::string kept_message(std::string_view message) { return printable(message, kMaxMessageBytes); }

ErrorColumns::ErrorColumns(const std::optional<UploadError>& error) {
  if (!error) return;
  code = info(error->code).name;
  message = kept_message(error->message);
  retryable = error->retryable;
  detail = kept_message(error->detail);
}

}  // namespace vodlift
