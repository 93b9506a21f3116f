#include "core/bucket_access.h"

namespace vodlift {

std::string_view to_string(CredentialSource source) { return kCredentialSources.word(source); }
std::optional<CredentialSource> credential_source_from(std::string_view word) { return kCredentialSources.value(word); }

std::string_view to_string(EncryptionMode mode) { return kEncryptionModes.word(mode); }
std::optional<EncryptionMode> encryption_mode_from(std::string_view word) { return kEncryptionModes.value(word); }

bool satisfies(const Encryption& wanted, std::string_view applied) {
  switch (wanted.mode) {
    case EncryptionMode::bucket_default:
      return true;
    case EncryptionMode::sse_s3:
      return !applied.empty();
    case EncryptionMode::sse_kms:
      return uses_kms(applied);
  }
  return false;
}

// There is "aws:kms:dsse" besides "aws:kms".
bool uses_kms(std::string_view applied) { return applied.starts_with("aws:kms"); }

std::string_view to_string(AclPolicy policy) { return kAclPolicies.word(policy); }
std::optional<AclPolicy> acl_policy_from(std::string_view word) { return kAclPolicies.value(word); }

}  // namespace vodlift
