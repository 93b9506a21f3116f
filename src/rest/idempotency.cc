#include "rest/idempotency.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/hash.h"

namespace vodlift::rest {
namespace {

constexpr std::int64_t kDaySeconds = 86'400;

std::string mac_of(std::string_view key) {
  const Sha256Digest digest = sha256(bytes_of("idempotency-key " + std::string(key)));
  return {digest.begin(), digest.end()};
}

}  // namespace

// The store forgets a signature when its timestamp is in the past. So this one says until when it is kept.
RequestSignature signature_of(std::string_view key, WallTime now) {
  if (key.empty()) return {};
  return {(to_unix_seconds(now) / kDaySeconds + 2) * kDaySeconds, mac_of(key)};
}

Result<std::optional<UploadId>> find_repeat(UploadStore& uploads, std::int64_t caller, std::string_view key,
                                            WallTime now) {
  if (key.empty()) return std::optional<UploadId>();
  RequestSignature signature = signature_of(key, now);
  auto first = uploads.find_repeat(caller, signature);
  if (!first || *first) return first;
  signature.timestamp -= kDaySeconds;
  return uploads.find_repeat(caller, signature);
}

Result<> check_idempotency_key(std::string_view key) {
  const bool visible = std::ranges::all_of(key, [](char c) { return c > ' ' && c <= '~'; });
  if (!key.empty() && key.size() <= kMaxIdempotencyKeyBytes && visible) return {};
  return Error{Errc::invalid_value, fmt::format("Idempotency-Key: expected 1 to {} visible ASCII characters, found {}",
                                                kMaxIdempotencyKeyBytes, printable(key, 64))};
}

}  // namespace vodlift::rest
