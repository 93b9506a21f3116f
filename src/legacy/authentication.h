// Who is calling: key, cdn, timestamp and signature of a request, judged in this order.
#pragma once

#include <boost/system/result.hpp>
#include <chrono>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "core/account_store.h"
#include "core/key_usage.h"
#include "core/rate_limiter.h"
#include "core/upload_store.h"
#include "legacy/refusal_log.h"
#include "legacy/signature.h"
#include "legacy/signed_request.h"

namespace vodlift::legacy {

// Who signed the request that is being answered.
struct Caller {
  Account account;
  std::int64_t key_id = 0;
  RequestSignature signature;  // the same by whichever rule the request was signed
  Permissions permissions;     // of the key
  KeyScope scope;              // likewise
};

// Where and when a request came in.
struct Origin {
  std::string_view peer;  // the client's address
  std::chrono::steady_clock::time_point received;
};

// Why a request is not answered. `wait` is above 0 where it was one failure too many from its address: then nothing was
// judged, and the error is overloaded.
struct Refused {
  Error error;
  std::chrono::nanoseconds wait{0};
};
[[noreturn]] void throw_exception_from_error(const Refused& refused, const boost::source_location& where);

// Judges who signed a request. Internally locked; any thread; does not block. What it is built from must outlive it.
//
// Failures take tokens of a bucket, and where it is empty requests are refused unjudged. There is one bucket for each
// address and key, and one for each address and all who name no key that is good there: nobody who fails can keep an
// honest client out, unless he knows its key and comes from its address. IPv6 addresses count by their /64.
class Authentication {
 public:
  Authentication(const AccountStore& accounts, KeyUsage& usage, const Clock& clock,
                 std::chrono::seconds timestamp_window, Rate failures);

  // Errors, in this order: not_authorized (api_key or cdn missing; unknown, revoked or expired key, key of another cdn,
  // key that may not be used from this address: these alike, after the same work), invalid_value (api_key or cdn of a
  // wrong type, cdn and cdn_id that differ), timestamp_out_of_range (also missing or malformed), bad_signature;
  // overloaded instead of each, see Refused.
  [[nodiscard]] boost::system::result<Caller, Refused> judge(const SignedRequest& request, const Origin& origin);

 private:
  [[nodiscard]] SignatureVerdict verify(const SignedRequest& request, std::string_view signature, const ApiKey& key,
                                        WallTime now) const;
  Refused refuse(std::string_view bucket, const Origin& origin, std::int64_t key_id, std::string_view reason,
                 Error error);
  Refused too_many(const Origin& origin, std::int64_t key_id, std::chrono::nanoseconds wait);

  const AccountStore& accounts_;
  KeyUsage& usage_;
  const Clock& clock_;
  std::chrono::seconds timestamp_window_;
  ApiKey nobody_;  // stands in for an unknown key, so that it costs the same; nobody knows its secret
  RateLimiter failures_;
  RefusalLog refusals_;
};

}  // namespace vodlift::legacy
