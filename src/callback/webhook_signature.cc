#include "callback/webhook_signature.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/hash.h"

namespace vodlift::callback {
namespace {

constexpr std::string_view kPrefix = "whsec_";

}  // namespace

Result<std::string> sign(const Secret& secret, std::string_view id, std::int64_t timestamp, std::string_view body) {
  const Error unusable{Errc::invalid_value,
                       "the account's webhook secret is not \"whsec_\" followed by base64; give the account a new one"};
  const std::string_view text = secret.reveal();
  if (!text.starts_with(kPrefix)) return unusable;
  auto decoded = from_base64(text.substr(kPrefix.size()));
  if (!decoded || decoded->empty()) return unusable;
  const Secret key(std::move(*decoded));
  const std::string message = fmt::format("{}.{}.{}", id, timestamp, body);
  return "v1," + to_base64(hmac_sha256(bytes_of(key.reveal()), bytes_of(message)));
}

}  // namespace vodlift::callback
