#include "legacy/signed_request.h"

#include "base/encoding.h"

namespace vodlift::legacy {
namespace {

constexpr std::size_t kBase64Bytes = 44;  // of 32 bytes

}  // namespace

SignatureVerdict verify_signature(std::string_view text, std::string_view signature, std::string_view secret) {
  SignatureVerdict verdict;
  verdict.mac = hmac_sha256(bytes_of(secret), bytes_of(text));
  if (signature.size() != kBase64Bytes) return verdict;
  const auto bytes = from_base64(signature);
  verdict.matches = bytes && equal_constant_time(bytes_of(*bytes), verdict.mac);
  return verdict;
}

}  // namespace vodlift::legacy
