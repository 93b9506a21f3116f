#include <array>
#include <boost/json/array.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "core/api_key.h"
#include "core/upload_request.h"
#include "rest/imports.h"
#include "rest/removals.h"
#include "rest/route.h"
#include "rest/rules.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::size_t kApiKeyLength = 32;
constexpr std::size_t kSecretBytes = 32;

constexpr std::int64_t kMaxUnixSeconds = 253'402'300'799;  // the end of the year 9999

Result<> apply_networks(const std::vector<std::string>& texts, ApiKey& key) {
  key.networks.clear();
  for (const std::string& text : texts) {
    const auto network = parse_network(text);
    if (!network) return with_context("networks", network.error());
    key.networks.push_back(*network);
  }
  return {};
}

Result<> apply_buckets(const std::vector<std::string>& names, ApiKey& key) {
  for (const std::string& name : names) {
    if (auto checked = check_bucket_name(name); !checked) return checked;
  }
  key.scope.buckets = names;
  return {};
}

// The fields of key.add and key.set that say what a key may do, from where, and until when. A field that the request
// lacks changes nothing. An empty prefix or list, and an `expires` of 0, remove a limit.
struct KeyRules {
  std::optional<std::string> permissions;
  std::optional<std::string> path_prefix;
  std::optional<std::vector<std::string>> buckets;
  std::optional<std::vector<std::string>> networks;
  std::optional<std::int64_t> expires;  // Unix seconds

  explicit KeyRules(const Fields& fields);
  [[nodiscard]] bool empty() const;

  // Changes `key`, whose account has this user. Errors: invalid_value.
  Result<> apply(ApiKey& key, std::string_view user, WallTime now) const;
};

KeyRules::KeyRules(const Fields& fields) : expires(fields.number_if_given("expires")) {
  if (fields.has("permissions")) permissions = fields.text("permissions");
  if (fields.has("path_prefix")) path_prefix = fields.text("path_prefix");
  if (fields.has("buckets")) buckets = fields.texts("buckets");
  if (fields.has("networks")) networks = fields.texts("networks");
}

bool KeyRules::empty() const { return !permissions && !path_prefix && !buckets && !networks && !expires; }

Result<> KeyRules::apply(ApiKey& key, std::string_view user, WallTime now) const {
  if (permissions) {
    const auto read = permissions_from(*permissions);
    if (!read) return read.error();
    key.permissions = *read;
  }
  if (path_prefix) {
    key.scope.path_prefix.clear();
    if (!path_prefix->empty()) {
      auto prefix = normalized_path_prefix(*path_prefix, user);
      if (!prefix) return prefix.error();
      key.scope.path_prefix = std::move(*prefix);
    }
  }
  if (buckets) {
    if (auto applied = apply_buckets(*buckets, key); !applied) return applied;
  }
  if (networks) {
    if (auto applied = apply_networks(*networks, key); !applied) return applied;
  }
  if (expires) {
    key.expires.reset();
    if (*expires != 0) {
      key.expires = from_unix_ms(*expires * 1000);
      if (*key.expires <= now) {
        return Error{Errc::invalid_value, "expires: lies in the past; to end a key now, revoke it"};
      }
    }
  }
  return {};
}

// Uniform over A-Z 0-9: a byte of the incomplete last run of 36 is not used.
std::string random_api_key() {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  constexpr std::size_t kFair = 256 / kAlphabet.size() * kAlphabet.size();
  std::string api_key;
  while (api_key.size() < kApiKeyLength) {
    for (const char byte : random_bytes(kApiKeyLength)) {
      const std::size_t number = static_cast<unsigned char>(byte);
      if (number < kFair && api_key.size() < kApiKeyLength) api_key += kAlphabet[number % kAlphabet.size()];
    }
  }
  return api_key;
}

value time_json(const std::optional<WallTime>& time) { return time ? value(to_unix_seconds(*time)) : value(nullptr); }

boost::json::array list_json(const std::vector<std::string>& texts) {
  boost::json::array list;
  for (const std::string& text : texts) list.emplace_back(text);
  return list;
}

// Everything but the secrets. `previous_until` is set while the secret before a rotation is still valid.
object key_json(const ApiKey& key, WallTime now) {
  std::optional<WallTime> previous_until;
  if (previous_secret(key.previous, now) != nullptr) previous_until = key.previous->until;
  boost::json::array networks;
  for (const Network& network : key.networks) networks.emplace_back(to_string(network));
  return {{"cdn", key.cdn},
          {"api_key", key.api_key},
          {"created", to_unix_seconds(key.created)},
          {"revoked", time_json(key.revoked)},
          {"permissions", to_string(key.permissions)},
          {"path_prefix", key.scope.path_prefix},
          {"buckets", list_json(key.scope.buckets)},
          {"networks", std::move(networks)},
          {"expires", time_json(key.expires)},
          {"previous_until", time_json(previous_until)},
          {"removing", time_json(key.removing)},
          {"last_used", time_json(key.last_used)}};
}

// The key as it stands after a change.
Result<value> changed_key(const Context& context, const std::string& api_key) {
  const auto key = context.accounts.find_key(api_key);
  if (!key) return Error{Errc::internal, "the key was changed, but cannot be shown"};
  return value(key_json(*key, context.clock.now()));
}

// Half a pair is an error, because a caller that gives one wants to keep an existing pair.
Result<> check_pair(const Fields& fields) {
  for (const std::string_view name : {"api_key", "secret"}) {
    if (!fields.has(name)) return Error{Errc::missing_field, "missing required fields: " + std::string(name)};
  }
  return {};
}

// The key with a pair that is given, or with a new one.
Result<ApiKey> make_key(const Context& context, const Fields& fields, bool imported, std::string_view user) {
  ApiKey key;
  key.cdn = fields.number("cdn");
  if (imported) {
    if (auto whole = check_pair(fields); !whole) return whole.error();
    key.api_key = fields.text("api_key");
    key.secret = Secret(std::string(fields.text("secret")));
    if (auto checked = check_api_key(key.api_key); !checked) return checked.error();
    if (auto checked = check_api_secret(key.secret.reveal()); !checked) return checked.error();
  } else {
    key.api_key = random_api_key();
    key.secret = Secret(random_hex(kSecretBytes));
  }
  key.created = context.clock.now();
  if (auto applied = KeyRules(fields).apply(key, user, key.created); !applied) return applied.error();
  return key;
}

Result<value> add(const Context& context, const Fields& fields) {
  const auto account = existing_account(context, fields.number("cdn"));
  if (!account) return account.error();
  const bool imported = fields.has("api_key") || fields.has("secret");
  const auto key = make_key(context, fields, imported, (*account)->user);
  if (!key) return key.error();
  if (auto added = context.accounts.add_key(*key); !added) return added.error();
  log::info("API key added", {{"cdn", key->cdn}, {"api_key", key->api_key}, {"imported", imported ? "yes" : "no"}});
  object answer{{"api_key", key->api_key}};
  // Who imports a secret has it; an answer that lands in a log must not hold it.
  if (!imported) answer["secret"] = key->secret.reveal();
  return value(std::move(answer));
}

value state_of(const Context& context, const object& names) {
  const auto key = context.accounts.find_key(text_in(names, "api_key"));
  if (!key) return nullptr;
  object json = key_json(*key, key->created);  // as of then: what is over stays in it
  json.erase("last_used");
  return json;
}

Result<value> list_keys(const Context& context, const Fields& fields) {
  const auto cdn = fields.number_if_given("cdn");
  boost::json::array answer;
  for (const auto& key : context.accounts.keys(cdn)) answer.push_back(key_json(*key, context.clock.now()));
  return collection(std::move(answer));
}

Error no_such_key() { return {Errc::not_found, "there is no such API key", "see: vodlift key list"}; }

Result<> is_of(const Context& context, AccountId cdn, const Fields& fields) {
  const auto key = context.accounts.find_key(fields.text("api_key"));
  if (!key || key->cdn != cdn) return no_such_key();
  return {};
}

Result<value> show(const Context& context, const Fields& fields) {
  const auto key = context.accounts.find_key(fields.text("api_key"));
  if (!key) return no_such_key();
  return value(key_json(*key, context.clock.now()));
}

Result<value> revoke(const Context& context, const Fields& fields) {
  const std::string api_key(fields.text("api_key"));
  if (auto revoked = context.accounts.revoke_key(api_key, context.clock.now()); !revoked) return revoked.error();
  log::info("API key revoked", {{"api_key", api_key}});
  return changed_key(context, api_key);
}

Result<value> set(const Context& context, const Fields& fields) {
  const std::string api_key(fields.text("api_key"));
  const KeyRules rules(fields);
  const auto known = context.accounts.find_key(api_key);
  const auto account = known ? context.accounts.find_account(known->cdn) : nullptr;
  const std::string user = account ? account->user : std::string();
  if (rules.empty()) {
    return Error{Errc::missing_field,
                 "nothing to set: give one or more of permissions, path_prefix, buckets, networks, expires"};
  }
  auto changed =
      context.accounts.change_key(api_key, [&](ApiKey& key) { return rules.apply(key, user, context.clock.now()); });
  if (!changed) return changed.error();
  log::info("API key changed", {{"api_key", api_key}});
  return changed_key(context, api_key);
}

Result<value> rotate_secret(const Context& context, const Fields& fields) {
  const std::string api_key(fields.text("api_key"));
  const std::chrono::seconds overlap(fields.number("overlap_s"));
  const Secret fresh(random_hex(kSecretBytes));
  auto rotated = context.accounts.change_key(
      api_key, [&](ApiKey& key) { return rotate(key, fresh, context.clock.now(), overlap); });
  if (!rotated) return rotated.error();
  log::info("API key has a new secret", {{"api_key", api_key}});
  auto answer = changed_key(context, api_key);
  if (!answer) return answer.error();
  answer->as_object()["secret"] = fresh.reveal();
  return answer;
}

Result<value> remove(const Context& context, const Fields& fields) {
  const auto key = context.accounts.find_key(fields.text("api_key"));
  if (!key) return no_such_key();
  return carry_out_removal(context, fields, {RemovableKind::key, key->cdn, key->api_key});
}

constexpr FieldSpec kApiKey = {.name = "api_key", .required = true, .high = kMaxTextBytes, .audited = true};
constexpr FieldSpec kPermissions = {.name = "permissions", .high = kMaxTextBytes, .audited = true};
constexpr FieldSpec kPathPrefix = {.name = "path_prefix", .high = kMaxTextBytes, .audited = true};
constexpr FieldSpec kBuckets = {.name = "buckets", .type = FieldType::texts, .high = kMaxKeyBuckets, .audited = true};
constexpr FieldSpec kNetworks = {
    .name = "networks", .type = FieldType::texts, .high = kMaxKeyNetworks, .audited = true};
constexpr FieldSpec kExpires = {
    .name = "expires", .type = FieldType::number, .low = 0, .high = kMaxUnixSeconds, .audited = true};

constexpr std::array kAddFields = {
    kCdn,
    FieldSpec{.name = "api_key", .high = kMaxTextBytes, .audited = true},
    FieldSpec{.name = "secret", .high = kMaxTextBytes},
    kPermissions,
    kPathPrefix,
    kBuckets,
    kNetworks,
    kExpires,
};
constexpr std::array kListFields = {kCdnIfGiven};
constexpr std::array kSetFields = {kApiKey, kPermissions, kPathPrefix, kBuckets, kNetworks, kExpires};
constexpr std::array kRotateFields = {
    kApiKey,
    FieldSpec{.name = "overlap_s",
              .type = FieldType::number,
              .low = 0,
              .high = kMaxSecretOverlap.count(),
              .otherwise = "86400",
              .audited = true},
};
constexpr std::array kOneFields = {kApiKey};
constexpr std::array kRemoveFields = {kApiKey, kRemovalMode};

constexpr std::array kKeyRoutes = {
    Route{.name = "key.list",
          .act = Act::read,
          .method = "GET",
          .path = "/keys",
          .fields = kListFields,
          .run = run_at_once<list_keys>},
    Route{.name = "key.add",
          .act = Act::change_keys,
          .method = "POST",
          .path = "/keys",
          .fields = kAddFields,
          .mutating = true,
          .created = "/keys/{api_key}",
          .state_of = state_of,
          .run = run_at_once<add>},
    Route{.name = "key.show",
          .act = Act::read,
          .is_of = is_of,
          .method = "GET",
          .path = "/keys/{api_key}",
          .fields = kOneFields,
          .run = run_at_once<show>},
    Route{.name = "key.set",
          .act = Act::change_keys,
          .is_of = is_of,
          .method = "PATCH",
          .path = "/keys/{api_key}",
          .fields = kSetFields,
          .mutating = true,
          .state_of = state_of,
          .run = run_at_once<set>},
    Route{.name = "key.remove",
          .act = Act::change_keys,
          .is_of = is_of,
          .method = "DELETE",
          .path = "/keys/{api_key}",
          .fields = kRemoveFields,
          .mutating = true,
          .state_of = state_of,
          .run = run_at_once<remove>},
    Route{.name = "key.rotate",
          .act = Act::change_keys,
          .is_of = is_of,
          .method = "POST",
          .path = "/keys/{api_key}/rotate",
          .fields = kRotateFields,
          .mutating = true,
          .state_of = state_of,
          .run = run_at_once<rotate_secret>},
    Route{.name = "key.revoke",
          .act = Act::change_keys,
          .is_of = is_of,
          .method = "POST",
          .path = "/keys/{api_key}/revoke",
          .fields = kOneFields,
          .mutating = true,
          .state_of = state_of,
          .run = run_at_once<revoke>},
};

}  // namespace

std::span<const FieldSpec> key_fields() { return kAddFields; }

Result<ApiKey> new_key(const Context& context, const Fields& fields, std::string_view user) {
  return make_key(context, fields, true, user);
}

std::vector<std::string> differing(const ApiKey& one, const ApiKey& other) {
  auto names = differing_members(key_json(one, one.created), key_json(other, one.created),
                                 {"created", "revoked", "removing", "previous_until", "last_used"});
  if (one.secret.reveal() != other.secret.reveal()) names.emplace_back("secret");
  return names;
}

std::span<const Route> key_routes() { return kKeyRoutes; }

}  // namespace vodlift::rest
