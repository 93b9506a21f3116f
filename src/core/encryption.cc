#include "core/encryption.h"

#include "base/words.h"

namespace vodlift {
namespace {

constexpr Words<EncryptionMode> kModes = {
    {EncryptionMode::bucket_default, "default"},
    {EncryptionMode::sse_s3, "s3"},
    {EncryptionMode::sse_kms, "kms"},
};

}  // namespace

std::string_view to_string(EncryptionMode mode) { return kModes.word(mode); }
std::optional<EncryptionMode> encryption_mode_from(std::string_view word) { return kModes.value(word); }

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
