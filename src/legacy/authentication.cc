#include "legacy/authentication.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/string.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "door/fields.h"

namespace vodlift::legacy {
namespace {

namespace json = boost::json;
using door::whole_number;

constexpr std::size_t kDummySecretBytes = 32;

Result<std::int64_t> cdn_of(const json::object& fields) {
  const json::value* cdn = fields.if_contains("cdn");
  const json::value* cdn_id = fields.if_contains("cdn_id");
  if (cdn == nullptr && cdn_id == nullptr)
    return Error{Errc::not_authorized, "CDN authorization failed: cdn is missing"};
  const auto first = whole_number(cdn != nullptr ? *cdn : *cdn_id);
  const auto second = whole_number(cdn_id != nullptr ? *cdn_id : *cdn);
  // A client without settings may send false or "".
  if (!first || !second) return Error{Errc::not_authorized, "CDN authorization failed: cdn must be a whole number"};
  if (*first != *second) return Error{Errc::invalid_value, "cdn: cdn and cdn_id differ; send one of them"};
  return *first;
}

Result<std::string_view> api_key_of(const json::object& fields) {
  const json::value* value = fields.if_contains("api_key");
  if (value == nullptr) return Error{Errc::not_authorized, "CDN authorization failed: api_key is missing"};
  const json::string* key = value->if_string();
  if (key == nullptr) return Error{Errc::not_authorized, "CDN authorization failed: api_key must be a string"};
  return std::string_view(key->data(), key->size());
}

// The request's timestamp, if it is in the window.
Result<std::int64_t> check_timestamp(const json::object& fields, std::int64_t now, std::int64_t window) {
  const json::value* value = fields.if_contains("timestamp");
  const auto timestamp = value != nullptr ? whole_number(*value) : std::nullopt;
  if (timestamp && *timestamp >= now - window && *timestamp <= now + window) return *timestamp;
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
    return {Errc::bad_signature,
            "failed HMAC-SHA256 signature: it contains a space; in an urlencoded form send + as %2B"};
  }
  return {Errc::bad_signature, "failed HMAC-SHA256 signature"};
}

// Both rules are always computed, so that the time does not depend on the rule that matches. The mac is always the
// JSON's: a request that is repeated by the other rule, or as JSON, is the same request.
SignatureVerdict verify_request(const SignedRequest& request, std::string_view signature, std::string_view secret) {
  SignatureVerdict verdict = verify_signature(request.signed_text, signature, secret);
  if (request.signed_serialized) {
    const bool serialized_matches = verify_signature(*request.signed_serialized, signature, secret).matches;
    verdict.matches = serialized_matches || verdict.matches;
  }
  return verdict;
}

constexpr std::size_t kFailureBuckets = 65536;  // 1 MiB

// The name of the bucket that a failure takes a token from.
std::string bucket_of(std::string_view peer, std::int64_t key_id) {
  const auto address = parse_address(peer);
  std::string name(1, !address ? '?' : address->v6 ? '6' : '4');
  if (address) {
    const auto bytes = std::span(address->bytes).first(address->v6 ? 8 : 4);
    name.append(bytes.begin(), bytes.end());
  }
  return name + std::to_string(key_id);
}

}  // namespace

void throw_exception_from_error(const Refused& refused, const boost::source_location& where) {
  vodlift::throw_exception_from_error(refused.error, where);
}

void RefusalLog::note(std::string_view reason, std::string_view peer, std::int64_t key_id,
                      std::chrono::steady_clock::time_point now) {
  std::int64_t count = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(
        entries_, [&](const Entry& entry) { return entry.reason.empty() || entry.reason == reason; });
    Entry& entry = found == entries_.end() ? entries_.back() : *found;
    if (entry.reason.empty()) entry.reason = reason;
    ++entry.unreported;
    if (now < entry.next) return;
    entry.next = now + kEvery;
    count = std::exchange(entry.unreported, 0);
  }
  log::warn("requests were refused", {{"reason", reason}, {"count", count}, {"last_from", peer}, {"last_key", key_id}});
}

Authentication::Authentication(const AccountDirectory& accounts, KeyUsage& usage, const Clock& clock,
                               std::chrono::seconds timestamp_window, Rate failures)
    : accounts_(accounts),
      usage_(usage),
      clock_(clock),
      timestamp_window_(timestamp_window),
      failures_(failures, kFailureBuckets) {
  dummy_.api_key = random_hex(kDummySecretBytes / 2);
  dummy_.secret = Secret(random_hex(kDummySecretBytes));
}

// Always does the same work, so that the time does not show whether the key exists or is being rotated.
SignatureVerdict Authentication::verify(const SignedRequest& request, std::string_view signature, const ApiKey& key,
                                        WallTime now) const {
  const Secret* previous = previous_secret(key.previous, now);
  const SignatureVerdict current = verify_request(request, signature, key.secret.reveal());
  const SignatureVerdict older =
      verify_request(request, signature, (previous != nullptr ? *previous : dummy_.secret).reveal());
  // The secret that matched names the request, so that a repeat after the rotation is still a repeat.
  return previous != nullptr && older.matches ? older : current;
}

Refused Authentication::too_many(const Origin& origin, std::int64_t key_id, std::chrono::nanoseconds wait) {
  refusals_.note("too many failures", origin.peer, key_id, origin.received);
  return {{Errc::overloaded,
           "too many requests from your address failed to authenticate; nothing was queued, try again later"},
          wait};
}

Refused Authentication::refuse(std::string_view bucket, const Origin& origin, std::int64_t key_id,
                               std::string_view reason, Error error) {
  const auto wait = failures_.take(bucket, origin.received);
  if (wait > std::chrono::nanoseconds::zero()) return too_many(origin, key_id, wait);
  refusals_.note(reason, origin.peer, key_id, origin.received);
  return {std::move(error)};
}

boost::system::result<Caller, Refused> Authentication::judge(const SignedRequest& request, const Origin& origin) {
  const json::object& fields = request.fields();
  const auto api_key = api_key_of(fields);
  if (!api_key) return refuse(bucket_of(origin.peer, 0), origin, 0, "no key", api_key.error());
  const auto cdn = cdn_of(fields);
  if (!cdn) return refuse(bucket_of(origin.peer, 0), origin, 0, "no cdn", cdn.error());

  const WallTime now = clock_.now();
  // Every check runs for an unknown key too, on dummy_, so that it takes as long as a known one.
  const auto found = accounts_.find_key(*api_key);
  const bool known = found != nullptr;
  const ApiKey& key = known ? *found : dummy_;
  const auto timestamp = check_timestamp(fields, to_unix_seconds(now), timestamp_window().count());
  std::optional<std::string_view> fault = refusal(key, now, origin.peer);
  if (key.cdn != *cdn) fault = "key of another cdn";
  if (!known) fault = "unknown key";
  const std::int64_t key_id = key.id;
  const std::string bucket = bucket_of(origin.peer, fault ? 0 : key_id);
  if (const auto wait = failures_.wait(bucket, origin.received); wait > std::chrono::nanoseconds::zero()) {
    return too_many(origin, key_id, wait);
  }

  const std::string_view signature = signature_of(fields);
  const SignatureVerdict verdict = verify(request, signature, fault ? dummy_ : key, now);
  if (fault || !verdict.matches) {
    // Both errors are made, because a text takes time too.
    Error unauthorized{Errc::not_authorized, "CDN authorization failed: no active API key like this for this cdn"};
    Error forged = bad_signature(signature);
    if (fault) return refuse(bucket, origin, key_id, *fault, std::move(unauthorized));
    if (timestamp) return refuse(bucket, origin, key_id, "signature", std::move(forged));
  }
  if (!timestamp) return refuse(bucket, origin, key_id, "timestamp", timestamp.error());

  const auto account = accounts_.find_account(key.cdn);
  if (!account) return Refused{{Errc::internal, fmt::format("API key {} has no account {}", key.id, key.cdn)}};
  usage_.note(key.id, now);
  // A key that is being removed still shows and changes what it has queued.
  const Permissions permissions = key.removing ? key.permissions.without(Permission::upload) : key.permissions;
  return Caller{.account = account,
                .key_id = key.id,
                .signature = {*timestamp, {verdict.mac.begin(), verdict.mac.end()}},
                .permissions = permissions,
                .scope = key.scope};
}

}  // namespace vodlift::legacy
