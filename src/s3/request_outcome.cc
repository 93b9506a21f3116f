#include "s3/request_outcome.h"

namespace vodlift::s3 {

Outcome outcome_of(const std::optional<Errc>& failure) {
  if (!failure) return Outcome::answered;
  switch (*failure) {
    case Errc::s3_throttled:
      return Outcome::throttled;
    case Errc::network:
    case Errc::timeout:
    case Errc::tls:
      return Outcome::no_answer;
    case Errc::s3_transient:
      return Outcome::failed;
    case Errc::s3_credential:
      return Outcome::key_refused;
    case Errc::s3_access_denied:  // HEAD is answered so for anything that concerns the key
      return Outcome::denied;
    case Errc::s3_full:
    case Errc::s3_too_large:
    case Errc::s3_clock_skew:
    case Errc::s3_region:
    case Errc::s3_acl_refused:
    case Errc::s3_no_such_bucket:
    case Errc::s3_no_such_upload:
    case Errc::s3_parts_refused:
    case Errc::s3_not_found:
    case Errc::s3_rejected:
    case Errc::s3_conflict:
    case Errc::s3_integrity:
    case Errc::destination_exists:
      return Outcome::answered;
    default:  // failures of the source, and the end of the program
      return Outcome::not_sent;
  }
}

bool is_refusal_of_bucket(Errc code) {
  return code == Errc::s3_access_denied || code == Errc::s3_no_such_bucket || code == Errc::s3_full;
}

}  // namespace vodlift::s3
