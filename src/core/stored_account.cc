#include "core/stored_account.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <string_view>
#include <utility>

#include "base/encoding.h"

namespace vodlift {
namespace {

// The place that a sealed value is bound to: see Seal::seal.
std::string context_of(const Account& account) { return fmt::format("accounts.webhook_secret:{}", account.cdn); }
std::string previous_context_of(const Account& account) {
  return fmt::format("accounts.previous_secret:{}", account.cdn);
}
std::string context_of(const BucketAccess& bucket) {
  return fmt::format("buckets.secret_key:{}:{}", bucket.cdn, bucket.bucket);
}
std::string context_of(const ApiKey& key) { return fmt::format("api_keys.secret:{}:{}", key.cdn, key.api_key); }
std::string previous_context_of(const ApiKey& key) {
  return fmt::format("api_keys.previous_secret:{}:{}", key.cdn, key.api_key);
}

// Puts the opened value of a sealed column into `secret`.
Result<> open_secret(const Row& row, std::string_view column, const Seal& seal, std::string_view context,
                     Secret& secret) {
  auto opened = seal.open(row.blob(column), context);
  if (!opened) return opened.error();
  secret = std::move(*opened);
  return {};
}

Result<> read_previous(const Row& row, const Seal& seal, std::string_view context,
                       std::optional<PreviousSecret>& previous) {
  if (row.is_null("previous_secret")) return {};
  previous = PreviousSecret{Secret(), from_unix_ms(row.integer("previous_until_ms"))};
  return open_secret(row, "previous_secret", seal, context, previous->secret);
}

// A key whose limits cannot be understood must not become a key without limits.
Result<> read_rules(const Row& row, ApiKey& key) {
  const auto not_understood = [&key](std::string_view column) {
    return Error{Errc::store_corrupt, fmt::format("API key {}: the column {} holds something that this version did not "
                                                  "write; restore the database or the version that belongs to it",
                                                  printable(key.api_key), column)};
  };
  if (const std::string permissions = row.text("permissions"); permissions.empty()) {
    key.permissions = Permissions();
  } else if (const auto read = permissions_from(permissions)) {
    key.permissions = *read;
  } else {
    return not_understood("permissions");
  }
  key.scope.path_prefix = row.text("path_prefix");
  auto buckets = texts_from_json(row.text("buckets"));
  if (!buckets) return not_understood("buckets");
  key.scope.buckets = std::move(*buckets);
  const auto networks = texts_from_json(row.text("networks"));
  if (!networks) return not_understood("networks");
  for (const std::string& text : *networks) {
    const auto network = parse_network(text);
    if (!network) return not_understood("networks");
    key.networks.push_back(*network);
  }
  return {};
}

SealedSecrets sealed(const Seal& seal, const Secret& secret, std::string_view context,
                     const std::optional<PreviousSecret>& previous, std::string_view previous_context) {
  SealedSecrets secrets{seal.seal(secret, context)};
  if (previous) {
    secrets.previous = seal.seal(previous->secret, previous_context);
    secrets.previous_until_ms = to_unix_ms(previous->until);
  }
  return secrets;
}

}  // namespace

std::string texts_to_json(const std::vector<std::string>& texts) {
  boost::json::array list;
  for (const std::string& text : texts) list.emplace_back(text);
  return boost::json::serialize(list);
}

std::optional<std::vector<std::string>> texts_from_json(const std::string& json) {
  boost::system::error_code failed;
  const auto value = boost::json::parse(json, failed);
  if (failed || !value.is_array()) return std::nullopt;
  std::vector<std::string> texts;
  for (const auto& element : value.as_array()) {
    if (!element.is_string()) return std::nullopt;
    texts.emplace_back(element.as_string());
  }
  return texts;
}

std::string networks_to_json(const std::vector<Network>& networks) {
  std::vector<std::string> texts;
  texts.reserve(networks.size());
  for (const Network& network : networks) texts.push_back(to_string(network));
  return texts_to_json(texts);
}

Result<> read_row(const Row& row, const Seal& seal, Account& account) {
  account.cdn = row.integer("cdn");
  account.user = row.text("user");
  account.created = from_unix_ms(row.integer("created_ms"));
  account.weight = static_cast<int>(row.integer("weight"));
  account.uploads_at_once = static_cast<int>(row.integer("uploads_at_once"));
  account.version = row.integer("version");
  account.removing = row.optional_time("removing_ms");
  account.callback_format = kCallbackFormats.value(row.text("callback_format")).value_or(CallbackFormat::json);
  account.https_only = row.integer("https_only") != 0;
  if (auto opened = open_secret(row, "webhook_secret", seal, context_of(account), account.webhook_secret); !opened) {
    return opened;
  }
  return read_previous(row, seal, previous_context_of(account), account.previous_webhook_secret);
}

Result<> read_row(const Row& row, const Seal& seal, ApiKey& key) {
  key.id = row.integer("id");
  key.cdn = row.integer("cdn");
  key.api_key = row.text("api_key");
  key.created = from_unix_ms(row.integer("created_ms"));
  key.revoked = row.optional_time("revoked_ms");
  key.expires = row.optional_time("expires_ms");
  key.last_used = row.optional_time("last_used_ms");
  key.version = row.integer("version");
  key.removing = row.optional_time("removing_ms");
  if (auto read = read_rules(row, key); !read) return read;
  if (auto opened = open_secret(row, "secret", seal, context_of(key), key.secret); !opened) return opened;
  return read_previous(row, seal, previous_context_of(key), key.previous);
}

Result<> read_row(const Row& row, const Seal& seal, BucketAccess& bucket) {
  bucket.cdn = row.integer("cdn");
  bucket.bucket = row.text("bucket");
  bucket.endpoint = row.text("endpoint");
  bucket.region = row.text("region");
  bucket.access_key = row.text("access_key");
  bucket.path_style = row.integer("path_style") != 0;
  bucket.acl_policy = acl_policy_from(row.text("acl_policy")).value_or(AclPolicy::fail);
  bucket.created = from_unix_ms(row.integer("created_ms"));
  bucket.credentials = {credential_source_from(row.text("credentials")).value_or(CredentialSource::fixed),
                        row.text("profile"), row.text("role_arn"), row.text("external_id")};
  bucket.encryption = {encryption_mode_from(row.text("sse")).value_or(EncryptionMode::bucket_default),
                       row.text("kms_key"), row.integer("sse_bucket_key") != 0};
  bucket.max_parts = static_cast<int>(row.integer("max_parts"));
  bucket.part_size = row.integer("part_size");
  bucket.version = row.integer("version");
  bucket.removing = row.optional_time("removing_ms");
  return open_secret(row, "secret_key", seal, context_of(bucket), bucket.secret_key);
}

SealedSecrets sealed_secrets(const Seal& seal, const Account& account) {
  return sealed(seal, account.webhook_secret, context_of(account), account.previous_webhook_secret,
                previous_context_of(account));
}

SealedSecrets sealed_secrets(const Seal& seal, const ApiKey& key) {
  return sealed(seal, key.secret, context_of(key), key.previous, previous_context_of(key));
}

SealedSecrets sealed_secrets(const Seal& seal, const BucketAccess& bucket) {
  return {seal.seal(bucket.secret_key, context_of(bucket))};
}

}  // namespace vodlift
