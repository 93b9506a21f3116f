#include "callback/http_callback_sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "base/text.h"
#include "core/webhook_signature.h"
#include "net/http_date.h"

namespace vodlift::callback {
namespace {

constexpr std::chrono::milliseconds kTotalTimeout{15000};
constexpr std::size_t kMaxAnswerBytes = std::size_t{64} * 1024;

}  // namespace

std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, WallTime now) {
  if (is_number(value)) {
    std::int64_t seconds = 0;
    const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    // A number that is too large for an int64 is still a number, above the limit.
    if (failed != std::errc()) return kMaxRetryAfter;
    return std::min(std::chrono::seconds(seconds), kMaxRetryAfter);
  }
  const auto when = net::parse_http_date(value, now);
  if (!when) return std::nullopt;
  return std::clamp(std::chrono::ceil<std::chrono::seconds>(*when - now), std::chrono::seconds(0), kMaxRetryAfter);
}

HttpCallbackSender::HttpCallbackSender(net::HttpClient& client, std::shared_ptr<const net::AddressGuard> guard,
                                       const Clock& clock)
    : client_(client), guard_(std::move(guard)), clock_(clock) {}

void HttpCallbackSender::send(CallbackMessage message, Done done) {
  const WallTime now = clock_.now();
  const std::int64_t timestamp = to_unix_seconds(now);
  const bool is_form = message.format == CallbackFormat::form;
  if (is_form) message.body = "json=" + uri_encode(message.body);
  auto signature = sign_webhook(message.secret, message.webhook_id, timestamp, message.body);
  if (!signature) return done(signature.error());
  // A receiver takes any signature of the list that it can verify.
  if (const Secret* previous = previous_secret(message.previous, now)) {
    const auto second = sign_webhook(*previous, message.webhook_id, timestamp, message.body);
    if (second) *signature += " " + *second;
  }
  net::HttpRequest request;
  request.method = "POST";
  request.url = std::move(message.url);
  request.headers = {fmt::format("Content-Type: application/{}", is_form ? "x-www-form-urlencoded" : "json"),
                     std::string("User-Agent: vodlift/") + VODLIFT_VERSION,
                     fmt::format("webhook-id: {}", message.webhook_id), fmt::format("webhook-timestamp: {}", timestamp),
                     fmt::format("webhook-signature: {}", *signature)};
  if (!message.traceparent.empty()) request.headers.push_back("traceparent: " + message.traceparent);
  request.body = std::move(message.body);
  request.total_timeout = kTotalTimeout;
  request.max_response_bytes = kMaxAnswerBytes;
  request.status_decides = true;
  request.reuse_connection = false;
  request.guard = guard_;
  client_.start(std::move(request), [&clock = clock_, done = std::move(done)](Result<net::HttpResponse> response) {
    if (!response) return done(response.error());
    done(CallbackAnswer{response->status, parse_retry_after(response->header("retry-after"), clock.now())});
  });
}

}  // namespace vodlift::callback
