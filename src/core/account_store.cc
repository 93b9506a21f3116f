#include "core/account_store.h"

namespace vodlift {

std::string_view to_string(AclPolicy policy) { return policy == AclPolicy::fail ? "fail" : "private"; }

std::optional<AclPolicy> acl_policy_from(std::string_view word) {
  if (word == "fail") return AclPolicy::fail;
  if (word == "private") return AclPolicy::private_acl;
  return std::nullopt;
}

}  // namespace vodlift
