#include "core/bucket_access.h"

#include "base/words.h"

namespace vodlift {
namespace {

constexpr Words<CredentialSource> kCredentialSources = {
    {CredentialSource::fixed, "static"},      {CredentialSource::environment, "environment"},
    {CredentialSource::profile, "profile"},   {CredentialSource::container, "container"},
    {CredentialSource::instance, "instance"}, {CredentialSource::web_identity, "web-identity"},
    {CredentialSource::usual, "default"},
};

constexpr Words<EncryptionMode> kEncryptionModes = {
    {EncryptionMode::bucket_default, "default"},
    {EncryptionMode::sse_s3, "s3"},
    {EncryptionMode::sse_kms, "kms"},
};

constexpr Words<AclPolicy> kAclPolicies = {{AclPolicy::fail, "fail"}, {AclPolicy::private_acl, "private"}};

}  // namespace

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
