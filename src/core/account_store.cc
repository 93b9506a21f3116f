#include "core/account_store.h"

#include "base/encoding.h"
#include "base/random.h"
#include "base/words.h"

namespace vodlift {
namespace {

constexpr std::size_t kWebhookSecretBytes = 32;

constexpr Words<AclPolicy> kAclPolicies = {{AclPolicy::fail, "fail"}, {AclPolicy::private_acl, "private"}};

}  // namespace

Secret make_webhook_secret() {
  const Secret bytes(random_bytes(kWebhookSecretBytes));
  return Secret("whsec_" + to_base64(bytes_of(bytes.reveal())));
}

std::string_view to_string(AclPolicy policy) { return kAclPolicies.word(policy); }
std::optional<AclPolicy> acl_policy_from(std::string_view word) { return kAclPolicies.value(word); }

}  // namespace vodlift
