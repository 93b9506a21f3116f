// Sends callbacks over HTTP, to public addresses only, signed as Standard Webhooks prescribe.
#pragma once

#include <memory>

#include "base/clock.h"
#include "core/callback_sender.h"
#include "net/address_guard.h"
#include "net/http_client.h"

namespace vodlift::callback {

// Any thread. Neither connection nor proxy is shared between messages: every attempt resolves, is judged by the guard
// and connects anew, so a name that moves to an inner address between two attempts is found out.
class HttpCallbackSender final : public CallbackSender {
 public:
  // All three must outlive the sender; `guard` is shared with the requests under way.
  HttpCallbackSender(net::HttpClient& client, std::shared_ptr<const net::AddressGuard> guard, const Clock& clock);

  // As the port says; at most 15 s all in all. A redirect is an answer like any other, of an answer's body nothing is
  // kept. Errors also: invalid_value (a secret that cannot sign), told at once on the caller's thread.
  void send(CallbackMessage message, Done done) override;

 private:
  net::HttpClient& client_;
  const std::shared_ptr<const net::AddressGuard> guard_;
  const Clock& clock_;
};

}  // namespace vodlift::callback
