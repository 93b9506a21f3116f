// The caller of a request: its key, cdn, timestamp and signature are checked in this order.
#pragma once

#include <array>
#include <atomic>
#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "core/account_directory.h"
#include "core/key_usage.h"
#include "core/rate_limiter.h"
#include "core/upload_store.h"
#include "legacy/signed_request.h"

namespace vodlift::legacy {

// The owner of the key that signed the request.
struct Caller {
  std::shared_ptr<const Account> account;  // as it was when the request came
  std::int64_t key_id = 0;
  RequestSignature signature;    // the same for both rules of signing
  Permissions permissions;       // of the key
  KeyScope scope;                // of the key
  std::optional<Trace> trace{};  // that the client's request belongs to
};

// The source and time of a request.
struct Origin {
  std::string_view peer;  // the client's address
  std::chrono::steady_clock::time_point received;
  std::string_view traceparent{};  // the header; may be anything
};

// Why a request is refused. `wait` is above 0 when its address failed too often: then nothing was checked, and the
// error is overloaded.
struct Refused {
  Error error;
  std::chrono::nanoseconds wait{0};
};
[[noreturn]] void throw_exception_from_error(const Refused& refused, const boost::source_location& where);

// Logs refused requests, but not each. Internally locked. Writes a line for the first refusal of a
// reason, and then at most one line in kEvery for that reason, with the number of refusals since the last line.
class RefusalLog {
 public:
  static constexpr std::chrono::seconds kEvery{10};

  // `reason` is a literal ("signature"); `key_id` is 0 when no key is known. The client's api_key is never written: it
  // may be a secret in the wrong field.
  void note(std::string_view reason, std::string_view peer, std::int64_t key_id,
            std::chrono::steady_clock::time_point now);

 private:
  struct Entry {
    std::string_view reason;
    std::int64_t unreported = 0;
    std::chrono::steady_clock::time_point next{};
  };
  static constexpr std::size_t kReasons = 16;  // more share the last entry

  std::mutex mutex_;
  std::array<Entry, kReasons> entries_;
};

// Checks who signed a request. Internally locked; any thread; does not block. The constructor's arguments must outlive
// it.
//
// Failures take tokens from a token bucket. While it is empty, requests are refused unchecked. Each address has one
// bucket for each valid key, and one for all requests without a valid key. So a client that fails cannot lock out an
// honest client, unless it knows that client's key and has its address. IPv6 addresses count by their /64.
class Authentication {
 public:
  Authentication(const AccountDirectory& accounts, KeyUsage& usage, const Clock& clock,
                 std::chrono::seconds timestamp_window, Rate failures);

  // From now on. Any thread.
  void use(std::chrono::seconds timestamp_window, Rate failures) {
    timestamp_window_ = timestamp_window;
    failures_.use(failures);
  }
  [[nodiscard]] std::chrono::seconds timestamp_window() const { return timestamp_window_; }

  // Errors, in this order: not_authorized (api_key or cdn missing; or, with one text and after the same work: unknown,
  // revoked or expired key, key of another cdn, key that is not allowed from this address), invalid_value (api_key or
  // cdn of a wrong type, cdn and cdn_id that differ), timestamp_out_of_range (also missing or malformed),
  // bad_signature. Each can be overloaded instead, see Refused.
  [[nodiscard]] boost::system::result<Caller, Refused> judge(const SignedRequest& request, const Origin& origin);

 private:
  [[nodiscard]] SignatureVerdict verify(const SignedRequest& request, std::string_view signature, const ApiKey& key,
                                        WallTime now) const;
  Refused refuse(std::string_view bucket, const Origin& origin, std::int64_t key_id, std::string_view reason,
                 Error error);
  Refused too_many(const Origin& origin, std::int64_t key_id, std::chrono::nanoseconds wait);

  const AccountDirectory& accounts_;
  KeyUsage& usage_;
  const Clock& clock_;
  std::atomic<std::chrono::seconds> timestamp_window_;
  ApiKey dummy_;  // stands in for an unknown key, so that the check takes the same time; its secret is random
  RateLimiter failures_;
  RefusalLog refusals_;
};

}  // namespace vodlift::legacy
