#include "core/account.h"

#include "base/encoding.h"
#include "base/random.h"

namespace vodlift {
namespace {

constexpr std::size_t kWebhookSecretBytes = 32;

}  // namespace

CallbackMessage callback_message(const Account& account, std::string url, std::string webhook_id, std::string body) {
  return {std::move(url),         std::move(webhook_id),           std::move(body),
          account.webhook_secret, account.previous_webhook_secret, account.callback_format};
}

Result<> check_callback(const Account& account, std::string_view url) {
  if (!account.https_only || url.starts_with("https://")) return {};
  return Error{Errc::invalid_value, "callback: must begin with https://, as this account wants it"};
}

Secret make_webhook_secret() {
  const Secret bytes(random_bytes(kWebhookSecretBytes));
  return Secret("whsec_" + to_base64(bytes_of(bytes.reveal())));
}

}  // namespace vodlift
