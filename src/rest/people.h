// What the routes of people, sessions and tokens share.
#pragma once

#include <array>
#include <boost/json/value.hpp>
#include <optional>

#include "base/clock.h"
#include "core/field_spec.h"
#include "core/principal.h"

namespace vodlift::rest {

inline constexpr std::int64_t kMaxSecretBytes = 128;  // of a one-time link

inline constexpr std::array<std::string_view, 4> kRoleWords = {"admin", "operator", "customer", "viewer"};

constexpr FieldSpec role_field(bool required) {
  return {.name = "role", .type = FieldType::word, .required = required, .words = kRoleWords, .audited = true};
}

// Null: none.
inline boost::json::value cdn_json(std::optional<AccountId> cdn) {
  return cdn ? boost::json::value(*cdn) : boost::json::value(nullptr);
}
inline boost::json::value time_json(std::optional<WallTime> time) {
  return time ? boost::json::value(to_unix_seconds(*time)) : boost::json::value(nullptr);
}

}  // namespace vodlift::rest
