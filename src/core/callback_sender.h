// Port: one attempt to tell a customer's server how an upload ended.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/secret.h"
#include "base/words.h"
#include "core/secret_rotation.h"

namespace vodlift {

// How the body is sent.
enum class CallbackFormat {
  json,  // as it is
  form,  // as the field `json` of an urlencoded form
};
inline constexpr Words<CallbackFormat> kCallbackFormats = {
    {CallbackFormat::json, "json"},
    {CallbackFormat::form, "form"},
};

struct CallbackMessage {
  std::string url;
  std::string webhook_id;
  std::string body;                          // JSON
  Secret secret;                             // "whsec_…"
  std::optional<PreviousSecret> previous{};  // signs too, while it counts
  CallbackFormat format = CallbackFormat::json;
  std::string traceparent{};  // the header's value; empty: it is not sent
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
