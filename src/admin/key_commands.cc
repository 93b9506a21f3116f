#include <array>
#include <boost/json/array.hpp>

#include "admin/command.h"
#include "admin/rules.h"
#include "base/log.h"
#include "base/random.h"

namespace vodlift::admin {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::size_t kApiKeyLength = 32;
constexpr std::size_t kSecretBytes = 32;

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

object key_json(const ApiKey& key) {
  return {{"cdn", key.cdn},
          {"api_key", key.api_key},
          {"created", to_unix_seconds(key.created)},
          {"revoked", key.revoked ? value(to_unix_seconds(*key.revoked)) : value(nullptr)}};
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
  if (auto checked = fields.check(); !checked) return checked.error();
  if (imported) {
    if (auto checked = check_api_key(key.api_key); !checked) return checked.error();
    if (auto checked = check_api_secret(key.secret.reveal()); !checked) return checked.error();
  } else {
    key.api_key = random_api_key();
    key.secret = Secret(random_hex(kSecretBytes));
  }
  key.created = context.clock.now();

  if (auto added = context.accounts.add_key(key); !added) return added.error();
  log::info("API key added", {{"cdn", key.cdn}, {"api_key", key.api_key}, {"imported", imported ? "yes" : "no"}});
  return value(object{{"api_key", key.api_key}, {"secret", key.secret.reveal()}});
}

Result<value> list(const Context& context, Fields& fields) {
  const auto cdn = read_cdn_if_given(fields);
  if (auto checked = fields.check(); !checked) return checked.error();
  boost::json::array answer;
  for (const ApiKey& key : context.accounts.keys(cdn)) answer.push_back(key_json(key));
  return value(std::move(answer));
}

Result<value> revoke(const Context& context, Fields& fields) {
  const std::string api_key = fields.text("api_key");
  if (auto checked = fields.check(); !checked) return checked.error();
  if (auto revoked = context.accounts.revoke_key(api_key, context.clock.now()); !revoked) return revoked.error();
  log::info("API key revoked", {{"api_key", api_key}});
  const auto key = context.accounts.find_key(api_key);
  if (!key) return Error{Errc::internal, "the key is revoked, but cannot be shown"};
  return value(key_json(*key));
}

constexpr std::array kCommands = {
    Command{"key.add", run_at_once<add>, "cdn,api_key"},
    Command{"key.list", run_at_once<list>},
    Command{"key.revoke", run_at_once<revoke>, "api_key"},
};

}  // namespace

std::span<const Command> key_commands() { return kCommands; }

}  // namespace vodlift::admin
