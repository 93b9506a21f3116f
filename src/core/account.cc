#include "core/account.h"

#include "base/encoding.h"
#include "base/random.h"

namespace vodlift {
namespace {

constexpr std::size_t kWebhookSecretBytes = 32;

}  // namespace

Secret make_webhook_secret() {
  const Secret bytes(random_bytes(kWebhookSecretBytes));
  return Secret("whsec_" + to_base64(bytes_of(bytes.reveal())));
}

}  // namespace vodlift
