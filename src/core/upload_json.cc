#include "core/upload_json.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <optional>

#include "base/encoding.h"
#include "core/upload_fields.h"

namespace vodlift {
namespace {

namespace json = boost::json;

// The text of a foreign server may not be valid UTF-8, and would then make the whole document invalid.
json::value foreign_text(std::string_view text) {
  constexpr std::size_t kMaxShownBytes = 1024;
  return is_valid_utf8(text) ? json::value(text) : json::value(printable(text, kMaxShownBytes));
}

json::value text_or_null(std::string_view text) { return text.empty() ? json::value(nullptr) : foreign_text(text); }

json::value time_or_null(const std::optional<WallTime>& time) {
  return time ? json::value(to_unix_seconds(*time)) : json::value(nullptr);
}

json::value error_or_null(const std::optional<UploadError>& error) {
  if (!error) return nullptr;
  return json::object{{"code", std::string(info(error->code).name)},
                      {"message", foreign_text(error->message)},
                      {"retryable", error->retryable}};
}

// Whole seconds left at the average rate of the current attempt; known only while bytes are sent.
json::value eta_or_null(const Upload& upload, WallTime now) {
  if (upload.state != UploadState::uploading || !upload.attempt_started) return nullptr;
  // Bytes of earlier attempts are not part of this rate.
  const std::int64_t sent = upload.bytes_sent - upload.attempt_first_byte;
  const auto elapsed_ms = (now - *upload.attempt_started).count();
  if (sent <= 0 || elapsed_ms <= 0) return nullptr;
  const auto left = static_cast<double>(std::max<std::int64_t>(upload.size - upload.bytes_sent, 0));
  const double seconds = left * static_cast<double>(elapsed_ms) / 1000.0 / static_cast<double>(sent);
  // A rate near zero would give centuries, which is no useful estimate.
  constexpr double kTooFar = 1e9;
  if (seconds > kTooFar) return nullptr;
  return static_cast<std::int64_t>(seconds + 0.999);
}

std::string ending_message(const Upload& ended) {
  switch (ended.state) {
    case UploadState::completed:
      return ended.kept() ? "Nothing was sent: the object already existed and is kept" : "Upload completed";
    case UploadState::cancelled:
      return "Upload cancelled";
    default:
      return ended.error ? "Upload failed: " + ended.error->message : "Upload failed";
  }
}

}  // namespace

json::object to_json(const Upload& upload, WallTime now) {
  const UploadRequest& request = upload.request;
  json::object out;
  out.reserve(36);
  out["id"] = upload.id;
  out["state"] = to_string(upload.state);
  out["path"] = request.path;
  out["destination_path"] = request.destination_path;
  out["bucket"] = request.bucket;
  out["acl"] = to_string(request.acl);
  out["acl_applied"] = text_or_null(upload.acl_applied ? to_string(*upload.acl_applied) : std::string_view());
  out["metadata"] = pairs_json(request.metadata);
  out["callback"] = request.callback;
  out["size"] = upload.size;
  out["bytes_sent"] = upload.bytes_sent;
  out["percent"] = upload.percent();
  out["attempts"] = upload.attempts;
  out["error"] = error_or_null(upload.error);
  out["etag"] = text_or_null(upload.verification.etag);
  out["checksum"] = text_or_null(upload.verification.checksum);
  out["version_id"] = text_or_null(upload.verification.version_id);
  out["created"] = to_unix_seconds(upload.created);
  out["started"] = time_or_null(upload.started);
  out["finished"] = time_or_null(upload.finished);
  out["next_attempt"] = time_or_null(upload.next_attempt);
  out["eta_seconds"] = eta_or_null(upload, now);
  out["callback_state"] = to_string(upload.callback_state);
  out["retry_of"] = upload.retry_of == 0 ? json::value(nullptr) : json::value(upload.retry_of);
  out["priority"] = request.priority;
  out["options"] = options_json(request.options);
  out["kept"] = upload.kept();
  return out;
}

json::object to_operator_json(const Upload& upload, WallTime now) {
  json::object out = to_json(upload, now);
  out["cdn"] = upload.account;
  if (upload.error) out["error"].as_object()["detail"] = text_or_null(upload.error->detail);
  return out;
}

std::string operator_json_line(const Upload& upload, WallTime now) {
  return json::serialize(to_operator_json(upload, now));
}

std::string callback_body(const Upload& ended, WallTime now) {
  const bool success = ended.state == UploadState::completed;
  json::object body;
  body["message"] = ending_message(ended);
  body["status"] = success ? "success" : "failure";
  // An upload that was cancelled before any attempt failed has no error.
  if (!success) body["code"] = info(ended.error ? ended.error->code : Errc::wrong_state).api_code;
  body["data"] = to_json(ended, now);
  return json::serialize(body);
}

}  // namespace vodlift
