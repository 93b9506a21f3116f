// Sends callbacks over HTTP, to public addresses only, signed as Standard Webhooks prescribe.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "core/callback_sender.h"
#include "net/address_guard.h"
#include "net/http_client.h"

namespace vodlift::callback {

inline constexpr std::chrono::seconds kMaxRetryAfter = std::chrono::hours(24);

// The wait from `now` on that the header Retry-After asks for (RFC 9110 section 10.2.3): a number of seconds, or one of
// the three date forms of section 5.6.7. 0 s to kMaxRetryAfter; longer waits are cut to that. Nothing for any other
// text. Pure.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, WallTime now);

// Any thread. Attempts share neither connection nor proxy: each one resolves the name, asks the guard and connects
// again. So a name that moves to an internal address between two attempts is detected.
class HttpCallbackSender final : public CallbackSender {
 public:
  // All three must outlive the sender. Running requests share `guard`.
  HttpCallbackSender(net::HttpClient& client, std::shared_ptr<const net::AddressGuard> guard, const Clock& clock);

  // As the port says, within 15 s. The signature is of the body as it is sent. A redirect is an answer like any other.
  // The body of an answer is dropped. Errors also: invalid_value (a secret that cannot sign), reported at once on the
  // caller's thread.
  void send(CallbackMessage message, Done done) override;

 private:
  net::HttpClient& client_;
  const std::shared_ptr<const net::AddressGuard> guard_;
  const Clock& clock_;
};

}  // namespace vodlift::callback
