#include "core/people.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/sessions.h"

namespace vodlift {
namespace {

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

bool is_person_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxPersonNameBytes || !is_lower_or_digit(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return is_lower_or_digit(c) || std::string_view("._@+-").find(c) != std::string_view::npos;
  });
}

Error no_such_person(std::string_view name) { return {Errc::not_found, fmt::format("there is no person {}", name)}; }

Error person_exists(std::string_view name) {
  return {Errc::already_exists, fmt::format("there is a person {} already", name)};
}

Error too_many_people() {
  return {Errc::invalid_value, fmt::format("there are {} people already; remove one first", kMaxPeople)};
}

Error last_admin(std::string_view name) {
  return {Errc::wrong_state, fmt::format("{} is the last admin; make somebody else an admin first", name)};
}

Error admin_exists() { return {Errc::wrong_state, "there is an admin already; ask one for a link"}; }

Error changed_meanwhile() {
  return {Errc::wrong_state, "the password or the role was changed meanwhile; sign in again"};
}

Error link_is_of_no_use() {
  return {Errc::not_found, "this link was used already, was replaced, or is too old; ask an admin for a new one"};
}

Error too_many_tokens(std::string_view owner) {
  return {Errc::invalid_value, fmt::format("{} has {} tokens already; remove one first", owner, kMaxTokensOfOwner)};
}

Error no_such_token(std::int64_t id) { return {Errc::not_found, fmt::format("there is no token {}", id)}; }

Error signed_in_too_late() { return {Errc::not_authorized, changed_meanwhile().message}; }

WallTime session_end(WallTime created, WallTime used) { return std::min(created + kSessionLife, used + kSessionIdle); }

std::optional<Principal> principal_of(const TokenUse& use) {
  if (use.owner.invited() || !may_grant(use.owner.role, use.owner.cdn, use.token.role, use.token.cdn)) {
    return std::nullopt;
  }
  return Principal{.name = use.owner.name,
                   .role = use.token.role,
                   .cdn = use.token.cdn,
                   .via = Principal::Via::token,
                   .label = use.token.label};
}

Principal principal_of(const SignedIn& session) {
  return {.name = session.person.name,
          .role = session.person.role,
          .cdn = session.person.cdn,
          .via = Principal::Via::session};
}

}  // namespace vodlift
