#include "admin/key_rules.h"

#include <fmt/format.h>

#include "core/upload_request.h"

namespace vodlift::admin {
namespace {

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

}  // namespace

KeyRuleFields KeyRuleFields::read(Fields& fields) {
  KeyRuleFields out;
  out.permissions = fields.text_if_given("permissions");
  out.path_prefix = fields.text_if_given("path_prefix");
  out.buckets = fields.texts_if_given("buckets", kMaxKeyBuckets);
  out.networks = fields.texts_if_given("networks", kMaxKeyNetworks);
  out.expires = fields.integer_if_given("expires", 0, kMaxUnixSeconds);
  return out;
}

bool KeyRuleFields::empty() const { return !permissions && !path_prefix && !buckets && !networks && !expires; }

Result<> KeyRuleFields::apply(ApiKey& key, std::string_view user, WallTime now) const {
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
        return Error{Errc::invalid_value, "expires: that is past already; to end a key now, revoke it"};
      }
    }
  }
  return {};
}

}  // namespace vodlift::admin
