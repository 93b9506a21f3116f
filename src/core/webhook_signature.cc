#include "core/webhook_signature.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/hash.h"

namespace vodlift {

Result<std::string> sign_webhook(const Secret& secret, std::string_view id, std::int64_t timestamp,
                                 std::string_view body) {
  constexpr std::string_view kPrefix = "whsec_";
  const Error unusable{Errc::invalid_value, "the webhook secret is not \"whsec_\" followed by base64; make a new one"};
  const std::string_view text = secret.reveal();
  if (!text.starts_with(kPrefix)) return unusable;
  auto decoded = from_base64(text.substr(kPrefix.size()));
  if (!decoded || decoded->empty()) return unusable;
  const Secret key(std::move(*decoded));
  const std::string message = fmt::format("{}.{}.{}", id, timestamp, body);
  return "v1," + to_base64(hmac_sha256(bytes_of(key.reveal()), bytes_of(message)));
}

}  // namespace vodlift
