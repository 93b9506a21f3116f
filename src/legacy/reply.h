// The one answer to one request.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "core/audit_log.h"
#include "legacy/envelope.h"
#include "net/http_server.h"

namespace vodlift::legacy {

// Answers once; what comes after the first answer is dropped. One thread at a time, handed from thread to thread with
// the request.
class Reply {
 public:
  Reply(net::Responder respond, std::chrono::steady_clock::time_point received);

  // What the answer is written in: JSON until the request's field is known. Before the answer only.
  void use(Encoding encoding) { encoding_ = encoding; }

  // Has the outcome recorded in `log`, which must outlive this, before it is answered. Before the answer only.
  void audit(AuditLog& log, AuditEntry entry);

  // `beside`: members of the envelope that this command has beside `data`.
  void success(std::string_view message, const boost::json::value& data, const boost::json::object& beside = {});

  // Transport faults go out with their own HTTP status, everything else in the envelope with 200. What maps to code
  // 0004 is told to the log only; the client gets a reference to it.
  void failure(const Error& error);

  // A failure for the time being, with this HTTP status, and when to come back as Retry-After: whole seconds, 1 at
  // least.
  void throttled(int http_status, const Error& error, std::chrono::nanoseconds wait);

  // Runs `work`; an exception becomes the failure 0004.
  template <class Work>
  void guard(Work&& work) noexcept {
    try {
      work();
    } catch (const std::exception& unexpected) {
      broken(unexpected.what());
    } catch (...) {
      broken("unknown exception");
    }
  }

 private:
  void record(std::optional<Errc> failure, UploadId upload);
  void internal_failure(std::string_view code, std::string_view detail);
  void broken(std::string_view what) noexcept;
  void answer(net::Response response);
  [[nodiscard]] std::chrono::steady_clock::duration took() const;

  Encoding encoding_ = Encoding::json;
  AuditLog* audit_ = nullptr;
  AuditEntry entry_;
  net::Responder respond_;
  std::chrono::steady_clock::time_point received_;
};

}  // namespace vodlift::legacy
