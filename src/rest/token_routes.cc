// Bearer tokens, by which programs come in.
#include <array>
#include <boost/json/array.hpp>

#include "base/log.h"
#include "rest/people.h"
#include "rest/uploads.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

object token_json(const Token& token) {
  return {{"id", token.id},
          {"label", token.label},
          {"owner", token.owner},
          {"role", to_string(token.role)},
          {"cdn", cdn_json(token.cdn)},
          {"created", to_unix_seconds(token.created)},
          {"expires", time_json(token.expires)},
          {"last_used", time_json(token.last_used)}};
}

// Nothing: the caller may see and remove those of all.
std::optional<std::string> only_of(const Caller& caller) {
  if (role_may(caller.who.role, Act::manage_people)) return std::nullopt;
  return caller.who.name;
}

Result<value> list_tokens(const Context& context, const Caller& caller, const Fields& /*fields*/) {
  const auto tokens = context.sessions.tokens(only_of(caller));
  if (!tokens) return tokens.error();
  boost::json::array items;
  for (const Token& token : *tokens) items.push_back(token_json(token));
  return collection(std::move(items));
}

value state_of(const Context& context, const object& names) {
  const auto tokens = context.sessions.tokens(std::nullopt);
  if (!tokens) return nullptr;
  for (const Token& token : *tokens) {
    if (token.id != number_in(names, "id")) continue;
    object json = token_json(token);
    json.erase("last_used");
    return json;
  }
  return nullptr;
}

// Whose token it will be: the caller's, or, where an admin names somebody, that person's.
Result<Person> owner_of(const Context& context, const Caller& caller, const Fields& fields) {
  const std::string name = fields.has("owner") ? std::string(fields.text("owner")) : caller.who.name;
  if (name.empty()) return Error{Errc::missing_field, "missing required fields: owner"};
  if (name != caller.who.name && !role_may(caller.who.role, Act::manage_people)) {
    return Error{Errc::permission_denied, "owner: only an admin may make tokens for others"};
  }
  auto person = context.people.find(name);
  if (!person) return person.error();
  if (!*person) return no_such_person(name);
  return std::move(**person);
}

// Neither more than the owner may, nor more than the caller, who may be a token that may less than its owner.
Result<> check_grant(const Caller& caller, const Person& owner, const Token& token) {
  if (auto fits = check_binding(token.role, token.cdn); !fits) return fits;
  if (may_grant(owner.role, owner.cdn, token.role, token.cdn) &&
      may_grant(caller.who.role, caller.who.cdn, token.role, token.cdn)) {
    return {};
  }
  return Error{Errc::permission_denied, "role and cdn: a token may do no more than its owner"};
}

Result<value> add(const Context& context, const Caller& caller, const Fields& fields) {
  const auto owner = owner_of(context, caller, fields);
  if (!owner) return owner.error();
  Token token;
  token.label = fields.text("label");
  if (token.label.empty()) return Error{Errc::invalid_value, "label: is empty"};
  token.owner = owner->name;
  const Role usual = owner->name == caller.who.name ? caller.who.role : owner->role;
  token.role = fields.has("role") ? role_from(fields.text("role")).value() : usual;
  token.cdn = fields.has("cdn") ? fields.number_if_given("cdn") : owner->cdn;
  if (auto fits = check_grant(caller, *owner, token); !fits) return fits.error();
  if (const auto expires = fields.number_if_given("expires"); expires && *expires != 0) {
    token.expires = from_unix_ms(*expires * 1000);
    if (*token.expires <= context.clock.now()) return Error{Errc::invalid_value, "expires: lies in the past"};
  }
  const AccessSecret secret = make_access_secret(kTokenPrefix);
  const auto added = context.sessions.add_token(token, secret.hash);
  if (!added) return added.error();
  log::info("a token was made", {{"owner", token.owner}, {"label", token.label}});
  object json = token_json(*added);
  json["token"] = secret.text.reveal();
  return value(std::move(json));
}

Result<value> remove(const Context& context, const Caller& caller, const Fields& fields) {
  const auto removed = context.sessions.remove_token(fields.number("id"), only_of(caller));
  if (!removed) return removed.error();
  log::info("a token was removed", {{"owner", removed->owner}, {"label", removed->label}});
  return value(token_json(*removed));
}

constexpr std::array kAddFields = {
    FieldSpec{.name = "label", .required = true, .high = kMaxTokenLabelBytes, .audited = true},
    FieldSpec{.name = "owner", .high = kMaxPersonNameBytes, .audited = true},
    role_field(false),
    kCdnIfGiven,
    moment_field("expires"),
};
constexpr std::array kOneFields = {kId};

constexpr std::array kTokenRoutes = {
    Route{.name = "token.list",
          .act = Act::manage_self,
          .shared = true,
          .method = "GET",
          .path = "/tokens",
          .run = run_at_once<list_tokens>},
    Route{.name = "token.add",
          .act = Act::manage_self,
          .method = "POST",
          .path = "/tokens",
          .fields = kAddFields,
          .mutating = true,
          .created = "/tokens/{id}",
          .state_of = state_of,
          .run = run_at_once<add>},
    Route{.name = "token.remove",
          .act = Act::manage_self,
          .shared = true,
          .method = "DELETE",
          .path = "/tokens/{id}",
          .fields = kOneFields,
          .mutating = true,
          .state_of = state_of,
          .run = run_at_once<remove>},
};

}  // namespace

std::span<const Route> token_routes() { return kTokenRoutes; }

}  // namespace vodlift::rest
