// Sends alerts to a URL over HTTP.
#pragma once

#include "alert/receiver.h"
#include "base/secret.h"
#include "net/http_client.h"

namespace vodlift::alert {

// Where and how. The operator's configuration is trusted: the URL may lead to any address and port.
struct Webhook {
  std::string url;
  std::string body = "json";  // as check_body() takes it
  Secret secret{};            // signs as callbacks are signed, if it is not empty
  std::string server{};       // the name of this one
};

class WebhookReceiver final : public Receiver {
 public:
  static constexpr std::chrono::seconds kTimeout{10};

  // Both must outlive the receiver.
  WebhookReceiver(net::HttpClient& client, const Clock& clock, Webhook webhook);

  [[nodiscard]] const std::string& name() const override { return name_; }

  // Within kTimeout. Delivered: any status from 200 to 299. A redirect is not followed. Statuses from 400 to 499 but
  // 408 and 429 are final.
  void send(const AlertMessage& message, Done done) override;

 private:
  net::HttpClient& client_;
  const Clock& clock_;
  const Webhook webhook_;
  const std::string name_;
};

}  // namespace vodlift::alert
