// Who is calling: key, cdn, timestamp and signature of a request, judged in this order.
#pragma once

#include <chrono>

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/secret.h"
#include "core/account_store.h"
#include "core/permission.h"
#include "legacy/signed_request.h"

namespace vodlift::legacy {

// Who signed the request that is being answered.
struct Caller {
  Account account;
  std::int64_t key_id = 0;
  Sha256Digest mac{};       // names the request, by whichever rule it was signed
  Permissions permissions;  // of the key
};

// Immutable; any thread; does not block. The store and the clock must outlive it.
class Authentication {
 public:
  Authentication(const AccountStore& accounts, const Clock& clock, std::chrono::seconds timestamp_window);

  // Errors, in this order: not_authorized (api_key or cdn missing; unknown or revoked key, key of another cdn: these
  // three alike, after the same work), invalid_value (api_key or cdn of a wrong type, cdn and cdn_id that differ),
  // timestamp_out_of_range (also missing or malformed), bad_signature.
  [[nodiscard]] Result<Caller> judge(const SignedRequest& request) const;

 private:
  const AccountStore& accounts_;
  const Clock& clock_;
  std::chrono::seconds timestamp_window_;
  Secret dummy_secret_;  // gives an unknown key the same work as a known one
};

}  // namespace vodlift::legacy
