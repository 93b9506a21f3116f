// Port: one attempt to tell a customer's server how an upload ended.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/secret.h"

namespace vodlift {

struct CallbackMessage {
  std::string url;
  std::string webhook_id;
  std::string body;  // JSON
  Secret secret;     // "whsec_…"
};

struct CallbackAnswer {
  int http_status = 0;
  std::optional<std::chrono::seconds> retry_after;  // 0 s..24 h
};

class CallbackSender {
 public:
  using Done = std::function<void(Result<CallbackAnswer>)>;

  CallbackSender() = default;
  CallbackSender(const CallbackSender&) = delete;
  CallbackSender& operator=(const CallbackSender&) = delete;
  virtual ~CallbackSender() = default;

  // Posts the message once; `done` is called once, on the transfer thread, and must not block. Any thread.
  // Errors: address_denied (the host is, or resolves to, an address callbacks may not reach), network, timeout, tls.
  virtual void send(CallbackMessage message, Done done) = 0;
};

}  // namespace vodlift
