// The members of key.add and key.set that say what a key may do, from where, and until when.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "admin/fields.h"
#include "core/api_key.h"

namespace vodlift::admin {

// The members a request has; those it does not have change nothing. An empty prefix or list, and an `expires` of 0,
// take a limit away.
struct KeyRuleFields {
  std::optional<std::string> permissions;
  std::optional<std::string> path_prefix;
  std::optional<std::vector<std::string>> buckets;
  std::optional<std::vector<std::string>> networks;
  std::optional<std::int64_t> expires;  // Unix seconds

  static KeyRuleFields read(Fields& fields);
  [[nodiscard]] bool empty() const;

  // Puts them into `key`, whose account has this user. Errors: invalid_value.
  Result<> apply(ApiKey& key, std::string_view user, WallTime now) const;
};

}  // namespace vodlift::admin
