#include "core/account_store.h"

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

std::string_view to_string(AclPolicy policy) { return policy == AclPolicy::fail ? "fail" : "private"; }

std::optional<AclPolicy> acl_policy_from(std::string_view word) {
  if (word == "fail") return AclPolicy::fail;
  if (word == "private") return AclPolicy::private_acl;
  return std::nullopt;
}

}  // namespace vodlift
