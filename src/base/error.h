// Every expected failure of the program: its code, its text, and what each door answers for it.
#pragma once

#include <boost/system/result.hpp>
#include <string>
#include <string_view>

namespace vodlift {

// What went wrong, as one closed list. Decide by this code, never by the message.
// The table in error.cc gives each its name (spelled as here), API code, HTTP status and retry flag.
enum class Errc {
  // Answers of the legacy API (protocol codes 0000-2005).
  unknown_command,
  not_authorized,
  timestamp_out_of_range,
  bad_signature,
  internal,
  permission_denied,
  missing_field,
  overloaded,
  invalid_value,
  source_not_found,
  storage_unavailable,
  storage_unknown,
  bucket_not_configured,
  upload_not_found,
  wrong_state,
  // Transport faults: answered with their own HTTP status.
  bad_request,
  path_not_found,
  method_not_allowed,
  request_timeout,
  too_large,
  unsupported_media_type,
  expectation_failed,
  uri_too_long,
  too_many_connections,
  headers_too_large,
  unsupported_version,
  shutting_down,
  // Administration and start-up.
  config_invalid,
  already_exists,
  not_found,
  locked,
  io_error,
  store_failed,
  store_corrupt,
  seal_broken,
  // A running upload or callback.
  source_missing,
  storage_removed,
  source_changed,
  source_busy,      // still being written
  source_mismatch,  // it is not the file whose checksum the client gave
  source_unreadable,
  network,
  timeout,
  tls,
  address_denied,
  s3_transient,
  s3_throttled,
  s3_unavailable,  // the endpoint has not answered for a while, or fails too often to be asked again at once
  s3_full,         // no room in the bucket, its account or the store
  s3_too_large,    // a body or part is too large for the store, or for a proxy in front of it
  s3_clock_skew,
  s3_credential,
  s3_region,
  s3_access_denied,
  s3_acl_refused,
  s3_no_such_bucket,
  s3_no_such_upload,
  s3_parts_refused,
  s3_not_found,
  s3_rejected,
  s3_conflict,         // somebody else wrote the same object at the same time
  destination_exists,  // and the client wants it neither replaced nor kept
  s3_integrity,
  s3_unverifiable,
  lease_lost,
  crashed_repeatedly,
  interrupted,
};

// One row of the table: what the outside sees of an Errc.
struct ErrcInfo {
  Errc code;
  std::string_view name;      // stable word: `error.code` in aws.status, `code` in logs
  std::string_view api_code;  // the legacy API's four digits
  int http_status;            // 200 for everything inside the legacy envelope
  bool retryable;             // the same work may succeed later without anybody's help
};

// The table's row for `code`; total, never fails.
const ErrcInfo& info(Errc code);

// The code whose name is `name`; Errc::internal for a word this build does not know.
Errc errc_from_name(std::string_view name);

// An expected failure: `code` for the program, `message` for a person (what failed, which one, what to do).
struct Error {
  Errc code = Errc::internal;
  std::string message;   // a customer may read it: it names no path, profile or credential file of this host
  std::string detail{};  // the rest, for the operator alone: the log and the administration show it; empty: nothing

  [[nodiscard]] bool retryable() const { return info(code).retryable; }
  // What the operator reads: `message`, or `message (detail)`.
  [[nodiscard]] std::string for_operator() const { return detail.empty() ? message : message + " (" + detail + ")"; }
};

// `what: message`, keeping the code: used where an outer layer knows which thing failed.
Error with_context(std::string_view what, Error error);

// Lets boost::system::result::value() throw on a broken expectation; caught at the three outer walls only.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

// A value or an Error. Test with `if (!result)`, read with `*result` and `result.error()`.
template <class T = void>
class [[nodiscard]] Result : public boost::system::result<T, Error> {
 public:
  using Base = boost::system::result<T, Error>;
  using Base::Base;
};

}  // namespace vodlift
