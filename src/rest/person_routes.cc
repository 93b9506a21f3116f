// People: who may sign in.
#include <array>
#include <boost/json/array.hpp>

#include "base/log.h"
#include "rest/people.h"
#include "rest/route.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

object person_json(const Person& person) {
  return {{"name", person.name},
          {"role", to_string(person.role)},
          {"cdn", cdn_json(person.cdn)},
          {"created", to_unix_seconds(person.created)},
          {"last_seen", time_json(person.last_seen)},
          {"invited", person.invited()}};
}

Result<value> answer_of(const Result<Person>& person) {
  if (!person) return person.error();
  return value(person_json(*person));
}

Result<value> answer_of(const Context& context, const Result<Invited>& invited) {
  if (!invited) return invited.error();
  object json = person_json(invited->person);
  json["setup_token"] = invited->link.reveal();
  const std::string panel = context.panel_url();
  json["panel_url"] = panel.empty() ? value(nullptr) : value(panel);
  return value(std::move(json));
}

// A person of an account that there is not would see one that gets the number later.
Result<> check_account(const Context& context, std::optional<AccountId> cdn) {
  if (!cdn) return {};
  const auto account = existing_account(context, *cdn);
  if (!account) return account.error();
  return (*account)->removing ? being_removed({RemovableKind::account, *cdn}) : Result<>();
}

std::string name_in(const Fields& fields) { return std::string(fields.text("name")); }
Role role_in(const Fields& fields) { return role_from(fields.text("role")).value(); }

value state_of(const Context& context, const object& names) {
  const auto person = context.people.find(text_in(names, "name"));
  if (!person || !*person) return nullptr;
  object json = person_json(**person);
  json.erase("last_seen");
  return json;
}

Result<value> list_people(const Context& context, const Fields& /*fields*/) {
  const auto people = context.people.list();
  if (!people) return people.error();
  boost::json::array items;
  for (const Person& person : *people) items.push_back(person_json(person));
  return collection(std::move(items));
}

Result<value> show(const Context& context, const Fields& fields) {
  const auto person = context.people.find(fields.text("name"));
  if (!person) return person.error();
  if (!*person) return no_such_person(fields.text("name"));
  return value(person_json(**person));
}

Result<value> add(const Context& context, const Fields& fields) {
  const auto cdn = fields.number_if_given("cdn");
  if (auto exists = check_account(context, cdn); !exists) return exists.error();
  auto answer = answer_of(context, invite(context.people, name_in(fields), role_in(fields), cdn));
  if (answer) log::info("a person was invited", {{"name", name_in(fields)}, {"role", fields.text("role")}});
  return answer;
}

Result<value> set(const Context& context, const Fields& fields) {
  const auto cdn = fields.number_if_given("cdn");
  if (auto fits = check_binding(role_in(fields), cdn); !fits) return fits.error();
  if (auto exists = check_account(context, cdn); !exists) return exists.error();
  auto answer = answer_of(context.people.set_role(name_in(fields), role_in(fields), cdn));
  if (answer) log::info("a person has a new role", {{"name", name_in(fields)}, {"role", fields.text("role")}});
  return answer;
}

Result<value> reset(const Context& context, const Fields& fields) {
  return answer_of(context, renew_link(context.people, name_in(fields)));
}

Result<value> remove(const Context& context, const Fields& fields) {
  auto answer = answer_of(context.people.remove(fields.text("name")));
  if (answer) log::info("a person was removed", {{"name", name_in(fields)}});
  return answer;
}

constexpr FieldSpec kName = {.name = "name", .required = true, .high = kMaxPersonNameBytes, .audited = true};
constexpr std::array kAddFields = {kName, role_field(true), kCdnIfGiven};
constexpr std::array kOneFields = {kName};

constexpr std::array kPersonRoutes = {
    Route{.name = "person.list",
          .act = Act::manage_people,
          .method = "GET",
          .path = "/people",
          .run = run_at_once<list_people>},
    Route{.name = "person.add",
          .act = Act::manage_people,
          .method = "POST",
          .path = "/people",
          .fields = kAddFields,
          .mutating = true,
          .created = "/people/{name}",
          .state_of = state_of,
          .run = run_at_once<add>},
    Route{.name = "person.show",
          .act = Act::manage_people,
          .method = "GET",
          .path = "/people/{name}",
          .fields = kOneFields,
          .run = run_at_once<show>},
    Route{.name = "person.set",
          .act = Act::manage_people,
          .method = "PATCH",
          .path = "/people/{name}",
          .fields = kAddFields,
          .mutating = true,
          .state_of = state_of,
          .run = run_at_once<set>},
    Route{.name = "person.remove",
          .act = Act::manage_people,
          .method = "DELETE",
          .path = "/people/{name}",
          .fields = kOneFields,
          .mutating = true,
          .state_of = state_of,
          .run = run_at_once<remove>},
    Route{.name = "person.reset",
          .act = Act::manage_people,
          .method = "POST",
          .path = "/people/{name}/reset",
          .fields = kOneFields,
          .mutating = true,
          .state_of = state_of,
          .run = run_at_once<reset>},
};

}  // namespace

std::span<const Route> person_routes() { return kPersonRoutes; }

}  // namespace vodlift::rest
