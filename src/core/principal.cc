#include "core/principal.h"

#include <fmt/format.h>

#include <algorithm>

namespace vodlift {
namespace {

constexpr std::array<std::string_view, 4> kRoleWords = {"viewer", "customer", "operator", "admin"};

// A row for each Act, a column for each Role, in the order of the enums.
constexpr std::array<std::array<bool, 4>, 8> kRules = {{
    // viewer customer operator admin
    {true, true, true, true},     // read
    {false, true, true, true},    // read_audit
    {false, true, true, true},    // change_uploads
    {false, true, false, true},   // change_keys: whoever has a key acts as the account, so an operator makes none
    {false, false, true, true},   // configure
    {false, false, false, true},  // manage_accounts
    {false, false, false, true},  // manage_people
    {true, true, true, true},     // manage_self
}};

}  // namespace

std::string_view to_string(Role role) { return kRoleWords.at(static_cast<std::size_t>(role)); }

std::optional<Role> role_from(std::string_view word) {
  const auto* const found = std::find(kRoleWords.begin(), kRoleWords.end(), word);
  if (found == kRoleWords.end()) return std::nullopt;
  return kRoles.at(static_cast<std::size_t>(found - kRoleWords.begin()));
}

Principal socket_principal() { return {.name = "", .role = Role::admin}; }

bool role_may(Role role, Act act) {
  return kRules.at(static_cast<std::size_t>(act)).at(static_cast<std::size_t>(role));
}

bool is_operator(Role role) { return role == Role::operate || role == Role::admin; }

Result<> check_access(const Principal& who, Act act, std::optional<AccountId> owner) {
  // First the account: whether a thing of another account exists is not to be told by the kind of refusal.
  if (owner && who.cdn && *owner != *who.cdn) return Error{Errc::not_found, "there is no such thing"};
  if (role_may(who.role, act)) return {};
  return Error{Errc::permission_denied, fmt::format("the role {} does not permit this", to_string(who.role))};
}

Result<> check_binding(Role role, std::optional<AccountId> cdn) {
  if (role == Role::customer && !cdn) return Error{Errc::invalid_value, "cdn: a customer needs an account"};
  if (is_operator(role) && cdn) {
    return Error{Errc::invalid_value,
                 fmt::format("cdn: the role {} is for all accounts; leave cdn out", to_string(role))};
  }
  return {};
}

bool may_grant(Role role, std::optional<AccountId> cdn, Role given, std::optional<AccountId> given_cdn) {
  if (!check_binding(given, given_cdn)) return false;
  if (cdn && given_cdn != cdn) return false;
  return std::all_of(kActs.begin(), kActs.end(), [&](Act act) { return role_may(role, act) || !role_may(given, act); });
}

}  // namespace vodlift
