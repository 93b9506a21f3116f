#include "callback/http_callback_sender.h"

#include <fmt/format.h>

#include "callback/retry_after.h"
#include "callback/webhook_signature.h"

namespace vodlift::callback {
namespace {

constexpr std::chrono::milliseconds kTotalTimeout{15000};
constexpr std::size_t kMaxAnswerBytes = std::size_t{64} * 1024;

}  // namespace

HttpCallbackSender::HttpCallbackSender(net::HttpClient& client, std::shared_ptr<const net::AddressGuard> guard,
                                       const Clock& clock)
    : client_(client), guard_(std::move(guard)), clock_(clock) {}

void HttpCallbackSender::send(CallbackMessage message, Done done) {
  const std::int64_t timestamp = to_unix_seconds(clock_.now());
  const auto signature = sign(message.secret, message.webhook_id, timestamp, message.body);
  if (!signature) {
    done(signature.error());
    return;
  }
  net::HttpRequest request;
  request.method = "POST";
  request.url = std::move(message.url);
  request.headers = {"Content-Type: application/json", std::string("User-Agent: vodlift/") + VODLIFT_VERSION,
                     fmt::format("webhook-id: {}", message.webhook_id), fmt::format("webhook-timestamp: {}", timestamp),
                     fmt::format("webhook-signature: {}", *signature)};
  request.body = std::move(message.body);
  request.total_timeout = kTotalTimeout;
  request.max_response_bytes = kMaxAnswerBytes;
  request.ignore_long_response = true;
  request.reuse_connection = false;
  request.guard = guard_;
  client_.start(std::move(request), [&clock = clock_, done = std::move(done)](Result<net::HttpResponse> response) {
    if (!response) return done(response.error());
    done(CallbackAnswer{response->status, parse_retry_after(response->header("retry-after"), clock.now())});
  });
}

}  // namespace vodlift::callback
