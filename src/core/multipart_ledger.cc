#include "core/multipart_ledger.h"

namespace vodlift {

bool create_may_have_worked(Errc code) {
  switch (code) {
    case Errc::s3_throttled:
    case Errc::s3_clock_skew:
    case Errc::s3_credential:
    case Errc::s3_region:
    case Errc::s3_access_denied:
    case Errc::s3_acl_refused:
    case Errc::s3_no_such_bucket:
    case Errc::s3_not_found:
    case Errc::s3_rejected:
    case Errc::address_denied:
      return false;
    default:
      return true;
  }
}

}  // namespace vodlift
