// How to reach one bucket: where it is, with which credentials, and how its objects are encrypted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/secret.h"
#include "base/words.h"
#include "core/part_plan.h"
#include "core/upload.h"

namespace vodlift {

// Where the credentials of a bucket come from.
enum class CredentialSource {
  fixed,         // "static": the key pair that was given with the bucket
  environment,   // the daemon's AWS_ACCESS_KEY_ID and its companions
  profile,       // a section of the AWS configuration files
  container,     // the endpoint that ECS and EKS give a container
  instance,      // the metadata service of an EC2 instance, IMDSv2 only
  web_identity,  // a token file, exchanged at STS
  usual,         // "default": the first of the five above that has credentials, in the order of the AWS tools
};
inline constexpr Words<CredentialSource> kCredentialSources = {
    {CredentialSource::fixed, "static"},      {CredentialSource::environment, "environment"},
    {CredentialSource::profile, "profile"},   {CredentialSource::container, "container"},
    {CredentialSource::instance, "instance"}, {CredentialSource::web_identity, "web-identity"},
    {CredentialSource::usual, "default"},
};
std::string_view to_string(CredentialSource source);
std::optional<CredentialSource> credential_source_from(std::string_view word);

struct CredentialOrigin {
  CredentialSource source = CredentialSource::fixed;
  std::string profile;      // for `profile`; empty: AWS_PROFILE, else "default"
  std::string role_arn;     // role to assume with those credentials; empty: none
  std::string external_id;  // sent when the role is assumed; may be empty

  bool operator==(const CredentialOrigin&) const = default;
};

// How the store encrypts the objects of a bucket.
enum class EncryptionMode {
  bucket_default,  // "default": requests ask for nothing, and the bucket's own setting applies
  sse_s3,          // "s3": with keys that the store manages
  sse_kms,         // "kms": with a key of the store's key management service
};
inline constexpr Words<EncryptionMode> kEncryptionModes = {
    {EncryptionMode::bucket_default, "default"},
    {EncryptionMode::sse_s3, "s3"},
    {EncryptionMode::sse_kms, "kms"},
};
std::string_view to_string(EncryptionMode mode);
std::optional<EncryptionMode> encryption_mode_from(std::string_view word);

struct Encryption {
  EncryptionMode mode = EncryptionMode::bucket_default;
  std::string kms_key;      // for sse_kms: id, alias or ARN; empty: the store's default key of the account
  bool bucket_key = false;  // for sse_kms: one call to KMS serves many objects

  bool operator==(const Encryption&) const = default;
};

// Whether an object is encrypted as `wanted`. `applied` is what the store says of it in x-amz-server-side-encryption;
// empty: the object is not encrypted. Any encryption satisfies sse_s3.
bool satisfies(const Encryption& wanted, std::string_view applied);

// Whether `applied` names a key of KMS. The ETag of such an object or part may look like an MD5 without being one.
bool uses_kms(std::string_view applied);

// What happens to an upload with acl=public-read when the bucket refuses that ACL.
enum class AclPolicy {
  fail,         // the upload fails
  private_acl,  // the object is made private
};
inline constexpr Words<AclPolicy> kAclPolicies = {{AclPolicy::fail, "fail"}, {AclPolicy::private_acl, "private"}};
std::string_view to_string(AclPolicy policy);
std::optional<AclPolicy> acl_policy_from(std::string_view word);

// How to reach one bucket.
struct BucketAccess {
  AccountId cdn = 0;
  std::string bucket;
  std::string endpoint;  // "https://s3.eu-west-1.amazonaws.com", or with a path: "https://host/storage/v1/s3"
  std::string region;
  std::string access_key;  // access_key and secret_key: empty unless credentials.source is `fixed`
  Secret secret_key;
  bool path_style = false;
  AclPolicy acl_policy = AclPolicy::fail;
  WallTime created;
  CredentialOrigin credentials{};
  Encryption encryption{};
  int max_parts = kMaxParts;           // parts of one multipart upload at most: kLeastMaxParts..kMaxParts
  std::int64_t part_size = 0;          // bytes of a part, kMinPartBytes..kMaxPartBytes; 0: by the rate of requests
  std::int64_t version = 0;            // of the row; see AccountRepository
  std::optional<WallTime> removing{};  // since when nothing new is accepted for it (core/removal.h); nothing: it stays
};

}  // namespace vodlift
