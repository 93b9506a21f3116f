#include "alert/webhook_receiver.h"

#include <fmt/format.h>

#include "alert/alert_body.h"
#include "base/encoding.h"
#include "core/callback_url.h"
#include "core/webhook_signature.h"

namespace vodlift::alert {
namespace {

constexpr std::size_t kMostAnswerBytes = 4096;
constexpr std::size_t kShownAnswerBytes = 200;

bool is_final(int status) { return status >= 400 && status < 500 && status != 408 && status != 429; }

Outcome outcome_of(const net::HttpResponse& response) {
  Outcome outcome;
  outcome.delivered = response.is_success();
  outcome.try_again = !is_final(response.status);
  outcome.text = fmt::format("HTTP {}", response.status);
  if (!outcome.delivered) outcome.output = printable(response.body, kShownAnswerBytes);
  return outcome;
}

}  // namespace

WebhookReceiver::WebhookReceiver(net::HttpClient& client, const Clock& clock, Webhook webhook)
    : client_(client), clock_(clock), webhook_(std::move(webhook)), name_(callback_receiver(webhook_.url)) {}

void WebhookReceiver::send(const AlertMessage& message, Done done) {
  net::HttpRequest request;
  request.method = "POST";
  request.url = webhook_.url;
  request.body = body_of(webhook_.body, message, webhook_.server);
  request.headers = {"Content-Type: application/json", std::string("User-Agent: vodlift/") + VODLIFT_VERSION};
  if (!webhook_.secret.empty()) {
    const std::int64_t timestamp = to_unix_seconds(clock_.now());
    const auto signature = sign_webhook(webhook_.secret, message.id, timestamp, request.body);
    if (!signature) return done({.try_again = false, .text = signature.error().message});
    request.headers.push_back(fmt::format("webhook-id: {}", message.id));
    request.headers.push_back(fmt::format("webhook-timestamp: {}", timestamp));
    request.headers.push_back(fmt::format("webhook-signature: {}", *signature));
  }
  request.total_timeout = kTimeout;
  request.max_response_bytes = kMostAnswerBytes;
  request.status_decides = true;
  request.reuse_connection = false;
  client_.start(std::move(request), [done = std::move(done)](const Result<net::HttpResponse>& response) {
    done(response ? outcome_of(*response) : Outcome{.text = response.error().message});
  });
}

}  // namespace vodlift::alert
