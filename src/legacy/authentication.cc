#include "legacy/authentication.h"

#include <fmt/format.h>

#include <boost/json/string.hpp>
#include <optional>
#include <string_view>

#include "base/random.h"
#include "legacy/fields.h"
#include "legacy/signature.h"

namespace vodlift::legacy {
namespace {

namespace json = boost::json;

constexpr std::size_t kDummySecretBytes = 32;

Result<std::int64_t> cdn_of(const json::object& fields) {
  const json::value* cdn = fields.if_contains("cdn");
  const json::value* cdn_id = fields.if_contains("cdn_id");
  if (cdn == nullptr && cdn_id == nullptr)
    return Error{Errc::not_authorized, "CDN authorization failed: cdn is missing"};
  const auto first = whole_number(cdn != nullptr ? *cdn : *cdn_id);
  const auto second = whole_number(cdn_id != nullptr ? *cdn_id : *cdn);
  if (!first || !second) return Error{Errc::invalid_value, "cdn: must be a whole number"};
  if (*first != *second) return Error{Errc::invalid_value, "cdn: cdn and cdn_id differ; send one of them"};
  return *first;
}

Result<std::string_view> api_key_of(const json::object& fields) {
  const json::value* value = fields.if_contains("api_key");
  if (value == nullptr) return Error{Errc::not_authorized, "CDN authorization failed: api_key is missing"};
  const json::string* key = value->if_string();
  if (key == nullptr) return Error{Errc::invalid_value, "api_key: must be a string"};
  return std::string_view(key->data(), key->size());
}

Result<> check_timestamp(const json::object& fields, std::int64_t now, std::int64_t window) {
  const json::value* value = fields.if_contains("timestamp");
  const auto timestamp = value != nullptr ? whole_number(*value) : std::nullopt;
  if (timestamp && *timestamp >= now - window && *timestamp <= now + window) return {};
  std::string_view fault = "is not a whole number of Unix seconds";
  if (value == nullptr) fault = "is missing";
  if (timestamp) fault = "is outside the valid range";
  return Error{
      Errc::timestamp_out_of_range,
      fmt::format("timestamp {}: the server's time is {}, and {} s before or after are accepted", fault, now, window)};
}

std::string_view signature_of(const json::object& fields) {
  const json::value* value = fields.if_contains("signature");
  const json::string* text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? std::string_view(text->data(), text->size()) : std::string_view();
}

Error bad_signature(std::string_view signature) {
  if (signature.empty()) return {Errc::bad_signature, "failed HMAC-SHA256 signature: the member signature is missing"};
  if (signature.find(' ') != std::string_view::npos) {
    return {Errc::bad_signature, "failed HMAC-SHA256 signature: it holds a space; in an urlencoded form send + as %2B"};
  }
  return {Errc::bad_signature, "failed HMAC-SHA256 signature"};
}

// Both rules cost their work whichever holds. The mac is the JSON's in either case: a request that is sent again by the
// other rule, or as JSON, is the same request.
SignatureVerdict verify_request(const SignedRequest& request, std::string_view signature, std::string_view secret) {
  SignatureVerdict verdict = verify_signature(request.signed_text, signature, secret);
  if (request.signed_serialized) {
    const bool serialized_matches = verify_signature(*request.signed_serialized, signature, secret).matches;
    verdict.matches = serialized_matches || verdict.matches;
  }
  return verdict;
}

}  // namespace

Authentication::Authentication(const AccountStore& accounts, const Clock& clock, std::chrono::seconds timestamp_window)
    : accounts_(accounts),
      clock_(clock),
      timestamp_window_(timestamp_window),
      dummy_secret_(random_hex(kDummySecretBytes)) {}

Result<Caller> Authentication::judge(const SignedRequest& request) const {
  const json::object& fields = request.fields();
  const auto api_key = api_key_of(fields);
  if (!api_key) return api_key.error();
  const auto cdn = cdn_of(fields);
  if (!cdn) return cdn.error();

  const std::optional<ApiKey> key = accounts_.find_key(*api_key);
  const bool usable = key && !key->revoked && key->cdn == *cdn;
  const std::string_view signature = signature_of(fields);
  const SignatureVerdict verdict =
      verify_request(request, signature, usable ? key->secret.reveal() : dummy_secret_.reveal());
  if (!usable) {
    return Error{Errc::not_authorized, "CDN authorization failed: no active API key like this for this cdn"};
  }
  const std::int64_t now = to_unix_seconds(clock_.now());
  if (auto timestamp = check_timestamp(fields, now, timestamp_window_.count()); !timestamp) return timestamp.error();
  if (!verdict.matches) return bad_signature(signature);

  auto account = accounts_.find_account(key->cdn);
  if (!account) return Error{Errc::internal, fmt::format("API key {} has no account {}", key->id, key->cdn)};
  return Caller{.account = std::move(*account), .key_id = key->id, .mac = verdict.mac, .permissions = key->permissions};
}

}  // namespace vodlift::legacy
