#include "core/encryption.h"

namespace vodlift {

std::string_view to_string(EncryptionMode mode) {
  switch (mode) {
    case EncryptionMode::bucket_default:
      return "default";
    case EncryptionMode::sse_s3:
      return "s3";
    case EncryptionMode::sse_kms:
      return "kms";
  }
  return "default";
}

std::optional<EncryptionMode> encryption_mode_from(std::string_view word) {
  for (const EncryptionMode mode : {EncryptionMode::bucket_default, EncryptionMode::sse_s3, EncryptionMode::sse_kms}) {
    if (to_string(mode) == word) return mode;
  }
  return std::nullopt;
}

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

// "aws:kms:dsse" is another one.
bool uses_kms(std::string_view applied) { return applied.starts_with("aws:kms"); }

}  // namespace vodlift
