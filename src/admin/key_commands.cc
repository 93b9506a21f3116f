#include <array>
#include <boost/json/array.hpp>

#include "admin/command.h"
#include "admin/key_rules.h"
#include "admin/rules.h"
#include "base/log.h"
#include "base/random.h"

namespace vodlift::admin {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::size_t kApiKeyLength = 32;
constexpr std::size_t kSecretBytes = 32;
constexpr std::chrono::hours kUsualOverlap{24};  // of a rotation

// Uniform over A-Z 0-9: bytes of the incomplete last run of 36 are drawn again.
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

// Everything but the secrets. `previous_until` tells of a rotation whose overlap lasts.
object key_json(const ApiKey& key, WallTime now) {
  std::optional<WallTime> previous_until;
  if (previous_secret(key, now) != nullptr) previous_until = key.previous->until;
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
          {"last_used", time_json(key.last_used)}};
}

// The key as it stands after a change.
Result<value> changed_key(const Context& context, const std::string& api_key) {
  const auto key = context.accounts.find_key(api_key);
  if (!key) return Error{Errc::internal, "the key is changed, but cannot be shown"};
  return value(key_json(*key, context.clock.now()));
}

// Its folder bounds a key's prefix; without an account add_key() tells of that.
std::string user_of(const Context& context, AccountId cdn) {
  const auto account = context.accounts.find_account(cdn);
  return account ? account->user : std::string();
}

Result<value> add(const Context& context, Fields& fields) {
  ApiKey key;
  key.cdn = read_cdn(fields);
  // Half a pair is never completed by chance: whoever gives one wants to keep an existing pair.
  const bool imported = fields.has("api_key") || fields.has("secret");
  if (imported) {
    key.api_key = fields.text("api_key");
    key.secret = fields.secret("secret");
  }
  const KeyRuleFields rules = KeyRuleFields::read(fields);
  if (auto checked = fields.check(); !checked) return checked.error();
  if (imported) {
    if (auto checked = check_api_key(key.api_key); !checked) return checked.error();
    if (auto checked = check_api_secret(key.secret.reveal()); !checked) return checked.error();
  } else {
    key.api_key = random_api_key();
    key.secret = Secret(random_hex(kSecretBytes));
  }
  key.created = context.clock.now();
  if (auto applied = rules.apply(key, user_of(context, key.cdn), key.created); !applied) return applied.error();

  if (auto added = context.accounts.add_key(key); !added) return added.error();
  log::info("API key added", {{"cdn", key.cdn}, {"api_key", key.api_key}, {"imported", imported ? "yes" : "no"}});
  return value(object{{"api_key", key.api_key}, {"secret", key.secret.reveal()}});
}

Result<value> list(const Context& context, Fields& fields) {
  const auto cdn = read_cdn_if_given(fields);
  if (auto checked = fields.check(); !checked) return checked.error();
  boost::json::array answer;
  for (const ApiKey& key : context.accounts.keys(cdn)) answer.push_back(key_json(key, context.clock.now()));
  return value(std::move(answer));
}

Result<value> revoke(const Context& context, Fields& fields) {
  const std::string api_key = fields.text("api_key");
  if (auto checked = fields.check(); !checked) return checked.error();
  if (auto revoked = context.accounts.revoke_key(api_key, context.clock.now()); !revoked) return revoked.error();
  log::info("API key revoked", {{"api_key", api_key}});
  return changed_key(context, api_key);
}

Result<value> set(const Context& context, Fields& fields) {
  const std::string api_key = fields.text("api_key");
  const KeyRuleFields rules = KeyRuleFields::read(fields);
  if (auto checked = fields.check(); !checked) return checked.error();
  const auto known = context.accounts.find_key(api_key);
  const std::string user = known ? user_of(context, known->cdn) : std::string();
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

Result<value> rotate_secret(const Context& context, Fields& fields) {
  const std::string api_key = fields.text("api_key");
  const auto overlap = fields.integer_if_given("overlap_s", 0, kMaxSecretOverlap.count());
  if (auto checked = fields.check(); !checked) return checked.error();
  const Secret fresh(random_hex(kSecretBytes));
  auto rotated = context.accounts.change_key(api_key, [&](ApiKey& key) {
    return rotate(key, fresh, context.clock.now(),
                  std::chrono::seconds(overlap.value_or(std::chrono::seconds(kUsualOverlap).count())));
  });
  if (!rotated) return rotated.error();
  log::info("API key has a new secret", {{"api_key", api_key}});
  auto answer = changed_key(context, api_key);
  if (!answer) return answer.error();
  answer->as_object()["secret"] = fresh.reveal();
  return answer;
}

constexpr std::array kCommands = {
    Command{"key.add", run_at_once<add>, "cdn,api_key,permissions,path_prefix,buckets,networks,expires"},
    Command{"key.list", run_at_once<list>},
    Command{"key.set", run_at_once<set>, "api_key,permissions,path_prefix,buckets,networks,expires"},
    Command{"key.rotate", run_at_once<rotate_secret>, "api_key,overlap_s"},
    Command{"key.revoke", run_at_once<revoke>, "api_key"},
};

}  // namespace

std::span<const Command> key_commands() { return kCommands; }

}  // namespace vodlift::admin
