#include "legacy/reply.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <string>
#include <utility>

#include "base/log.h"
#include "base/random.h"

namespace vodlift::legacy {
namespace {

constexpr std::size_t kReferenceBytes = 8;

bool is_transport_fault(Errc code) { return code >= Errc::bad_request && code <= Errc::shutting_down; }

// The upload that a mutating command answers: its id, or its object.
UploadId upload_of(const boost::json::value& data) {
  const boost::json::object* object = data.if_object();
  const boost::json::value* id = object == nullptr ? &data : object->if_contains("id");
  const std::int64_t* number = id == nullptr ? nullptr : id->if_int64();
  return number == nullptr ? 0 : *number;
}

}  // namespace

Reply::Reply(net::Responder respond, std::chrono::steady_clock::time_point received)
    : respond_(std::move(respond)), received_(received) {}

void Reply::success(std::string_view message, const boost::json::value& data, const boost::json::object& beside) {
  record(std::nullopt, upload_of(data));
  answer(enveloped(200, success_body(message, data, took(), encoding_, beside), encoding_));
}

void Reply::audit(AuditLog& log, AuditEntry entry) {
  audit_ = &log;
  entry_ = std::move(entry);
}

void Reply::record(std::optional<Errc> failure, UploadId upload) {
  // One answer, one line: what comes after the first answer is dropped.
  AuditLog* log = std::exchange(audit_, nullptr);
  if (log == nullptr || !respond_) return;
  entry_.failure = failure;
  entry_.upload = upload;
  log->record(entry_);
}

void Reply::failure(const Error& error) {
  record(error.code, 0);
  if (is_transport_fault(error.code)) return answer(fault_in(encoding_, error.code, error.message));
  if (info(error.code).api_code == info(Errc::internal).api_code) {
    return internal_failure(info(error.code).name, error.message);
  }
  answer(enveloped(200, failure_body(error.code, error.message, took(), encoding_), encoding_));
}

void Reply::throttled(int http_status, const Error& error, std::chrono::nanoseconds wait) {
  auto response = enveloped(http_status, failure_body(error.code, error.message, took(), encoding_), encoding_);
  const auto seconds = std::max<std::int64_t>(std::chrono::ceil<std::chrono::seconds>(wait).count(), 1);
  response.headers.emplace_back("Retry-After", std::to_string(seconds));
  answer(std::move(response));
}

void Reply::internal_failure(std::string_view code, std::string_view detail) {
  record(Errc::internal, 0);
  const std::string reference = random_hex(kReferenceBytes);
  log::error("request failed unexpectedly", {{"reference", reference}, {"code", code}, {"detail", detail}});
  const std::string message =
      "unexpected error; try again, and if it stays tell the operator the reference " + reference;
  answer(enveloped(200, failure_body(Errc::internal, message, took(), encoding_), encoding_));
}

void Reply::broken(std::string_view what) noexcept {
  try {
    internal_failure("exception", what);
  } catch (...) {
    // Memory is gone: the responder, dropped uncalled, answers 500.
  }
}

void Reply::answer(net::Response response) {
  if (const auto respond = std::exchange(respond_, nullptr)) respond(std::move(response));
}

std::chrono::steady_clock::duration Reply::took() const { return std::chrono::steady_clock::now() - received_; }

}  // namespace vodlift::legacy
