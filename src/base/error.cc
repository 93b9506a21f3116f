#include "base/error.h"

#include <array>
#include <stdexcept>

namespace vodlift {
namespace {

constexpr std::array kTable = {
    //        code                           name                       API    HTTP retryable
    ErrcInfo{Errc::unknown_command, "unknown_command", "0000", 200, false},
    ErrcInfo{Errc::not_authorized, "not_authorized", "0001", 200, false},
    ErrcInfo{Errc::timestamp_out_of_range, "timestamp_out_of_range", "0002", 200, false},
    ErrcInfo{Errc::bad_signature, "bad_signature", "0003", 200, false},
    ErrcInfo{Errc::internal, "internal", "0004", 200, true},
    ErrcInfo{Errc::permission_denied, "permission_denied", "0005", 200, false},
    ErrcInfo{Errc::missing_field, "missing_field", "0006", 200, false},
    ErrcInfo{Errc::overloaded, "overloaded", "1000", 200, true},
    ErrcInfo{Errc::invalid_value, "invalid_value", "2001", 200, false},
    ErrcInfo{Errc::source_not_found, "source_not_found", "2002", 200, false},
    ErrcInfo{Errc::storage_unavailable, "storage_unavailable", "2003", 200, true},
    ErrcInfo{Errc::storage_unknown, "storage_unknown", "2003", 200, false},
    ErrcInfo{Errc::bucket_not_configured, "bucket_not_configured", "2004", 200, false},
    ErrcInfo{Errc::upload_not_found, "upload_not_found", "2005", 200, false},
    ErrcInfo{Errc::wrong_state, "wrong_state", "2005", 200, false},

    ErrcInfo{Errc::bad_request, "bad_request", "2001", 400, false},
    ErrcInfo{Errc::path_not_found, "path_not_found", "0000", 404, false},
    ErrcInfo{Errc::method_not_allowed, "method_not_allowed", "0000", 405, false},
    ErrcInfo{Errc::request_timeout, "request_timeout", "1000", 408, true},
    ErrcInfo{Errc::too_large, "too_large", "2001", 413, false},
    ErrcInfo{Errc::unsupported_media_type, "unsupported_media_type", "2001", 415, false},
    ErrcInfo{Errc::expectation_failed, "expectation_failed", "2001", 417, false},
    ErrcInfo{Errc::uri_too_long, "uri_too_long", "2001", 414, false},
    ErrcInfo{Errc::too_many_connections, "too_many_connections", "1000", 429, true},
    ErrcInfo{Errc::headers_too_large, "headers_too_large", "2001", 431, false},
    ErrcInfo{Errc::unsupported_version, "unsupported_version", "2001", 505, false},
    ErrcInfo{Errc::shutting_down, "shutting_down", "1000", 503, true},

    ErrcInfo{Errc::config_invalid, "config_invalid", "0004", 500, false},
    ErrcInfo{Errc::already_exists, "already_exists", "2001", 409, false},
    ErrcInfo{Errc::not_found, "not_found", "2001", 404, false},
    ErrcInfo{Errc::locked, "locked", "0004", 500, false},
    ErrcInfo{Errc::io_error, "io_error", "0004", 500, true},
    ErrcInfo{Errc::store_failed, "store_failed", "0004", 200, true},
    ErrcInfo{Errc::store_corrupt, "store_corrupt", "0004", 500, false},
    ErrcInfo{Errc::seal_broken, "seal_broken", "0004", 500, false},

    ErrcInfo{Errc::source_missing, "source_missing", "2002", 200, false},
    ErrcInfo{Errc::storage_removed, "storage_removed", "2003", 200, false},
    ErrcInfo{Errc::source_changed, "source_changed", "2002", 200, true},
    ErrcInfo{Errc::source_busy, "source_busy", "2002", 200, true},
    ErrcInfo{Errc::source_mismatch, "source_mismatch", "2002", 200, false},
    ErrcInfo{Errc::source_unreadable, "source_unreadable", "2002", 200, true},
    ErrcInfo{Errc::network, "network", "0004", 200, true},
    ErrcInfo{Errc::timeout, "timeout", "0004", 200, true},
    ErrcInfo{Errc::tls, "tls", "0004", 200, true},
    ErrcInfo{Errc::address_denied, "address_denied", "2001", 200, false},
    ErrcInfo{Errc::s3_transient, "s3_transient", "0004", 200, true},
    ErrcInfo{Errc::s3_throttled, "s3_throttled", "0004", 200, true},
    ErrcInfo{Errc::s3_unavailable, "s3_unavailable", "0004", 200, true},
    ErrcInfo{Errc::s3_full, "s3_full", "0004", 200, true},
    ErrcInfo{Errc::s3_too_large, "s3_too_large", "0004", 200, false},
    ErrcInfo{Errc::s3_clock_skew, "s3_clock_skew", "0004", 200, true},
    ErrcInfo{Errc::s3_credential, "s3_credential", "0004", 200, true},
    ErrcInfo{Errc::s3_region, "s3_region", "0004", 200, false},
    ErrcInfo{Errc::s3_access_denied, "s3_access_denied", "0004", 200, false},
    ErrcInfo{Errc::s3_acl_refused, "s3_acl_refused", "0004", 200, false},
    ErrcInfo{Errc::s3_no_such_bucket, "s3_no_such_bucket", "0004", 200, false},
    ErrcInfo{Errc::s3_no_such_upload, "s3_no_such_upload", "0004", 200, true},
    ErrcInfo{Errc::s3_parts_refused, "s3_parts_refused", "0004", 200, false},
    ErrcInfo{Errc::s3_not_found, "s3_not_found", "0004", 200, false},
    ErrcInfo{Errc::s3_rejected, "s3_rejected", "0004", 200, false},
    ErrcInfo{Errc::s3_conflict, "s3_conflict", "0004", 200, true},
    ErrcInfo{Errc::destination_exists, "destination_exists", "2001", 200, false},
    ErrcInfo{Errc::s3_integrity, "s3_integrity", "0004", 200, true},
    ErrcInfo{Errc::s3_unverifiable, "s3_unverifiable", "0004", 200, true},
    ErrcInfo{Errc::lease_lost, "lease_lost", "0004", 200, true},
    ErrcInfo{Errc::crashed_repeatedly, "crashed_repeatedly", "0004", 200, false},
    ErrcInfo{Errc::interrupted, "interrupted", "0004", 200, true},
};

constexpr bool rows_follow_the_enum() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<std::size_t>(kTable[i].code) != i) return false;
  }
  return kTable.back().code == Errc::interrupted;
}
static_assert(rows_follow_the_enum(), "one row for each Errc, in its order");

}  // namespace

const ErrcInfo& info(Errc code) { return kTable.at(static_cast<std::size_t>(code)); }

Errc errc_from_name(std::string_view name) {
  for (const ErrcInfo& row : kTable) {
    if (row.name == name) return row.code;
  }
  return Errc::internal;
}

Error with_context(std::string_view what, Error error) {
  error.message = std::string(what) + ": " + error.message;
  return error;
}

void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::runtime_error(std::string(info(error.code).name) + ": " + error.message);
}

}  // namespace vodlift
