// How a store is to encrypt the objects that are put into a bucket.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vodlift {

enum class EncryptionMode {
  bucket_default,  // "default": nothing is asked for, and the bucket's own setting counts
  sse_s3,          // "s3": keys of the store's own
  sse_kms,         // "kms": a key of the store's key management service
};
std::string_view to_string(EncryptionMode mode);
std::optional<EncryptionMode> encryption_mode_from(std::string_view word);

struct Encryption {
  EncryptionMode mode = EncryptionMode::bucket_default;
  std::string kms_key;      // id, alias or ARN, for sse_kms; empty: the one that the store takes for the account
  bool bucket_key = false;  // for sse_kms: one call to KMS serves many objects

  bool operator==(const Encryption&) const = default;
};

// Whether an object of which the store says `applied` (as in x-amz-server-side-encryption; empty: nothing) is encrypted
// as `wanted`. For sse_s3 any encryption will do.
bool satisfies(const Encryption& wanted, std::string_view applied);

// Whether `applied` names a key of KMS. The ETag of such an object or part need be no MD5, though it looks like one.
bool uses_kms(std::string_view applied);

}  // namespace vodlift
