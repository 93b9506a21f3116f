// The routes themselves, so that programs can find them and docs/openapi.yaml can be compared with them.
#include <array>
#include <boost/json/array.hpp>

#include "rest/route_table.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

constexpr Words<FieldType> kTypes = {
    {FieldType::text, "text"},   {FieldType::number, "number"}, {FieldType::flag, "flag"},
    {FieldType::word, "word"},   {FieldType::words, "words"},   {FieldType::ids, "ids"},
    {FieldType::texts, "texts"}, {FieldType::pairs, "pairs"},   {FieldType::objects, "objects"},
};

object field_json(const FieldSpec& spec) {
  object json{{"name", spec.name}, {"type", kTypes.word(spec.type)}, {"required", spec.required}};
  if (spec.type == FieldType::number) json["low"] = spec.low;
  if (spec.high != 0) json["high"] = spec.high;
  if (!spec.words.empty()) json["words"] = boost::json::array(spec.words.begin(), spec.words.end());
  if (!spec.otherwise.empty()) json["otherwise"] = spec.otherwise;
  return json;
}

// Who may, as x-roles of docs/openapi.yaml.
boost::json::array roles_json(const Route& route) {
  if (route.open) return {"nobody"};
  boost::json::array roles;
  for (const Role role : kRoles) {
    if (role_may(role, route.act)) roles.emplace_back(to_string(role));
  }
  return roles;
}

Result<value> list_index(const Context& /*context*/, const Fields& /*fields*/) {
  boost::json::array items;
  for (const Route* route : routes()) {
    boost::json::array fields;
    for (const FieldSpec& spec : route->fields) fields.push_back(field_json(spec));
    items.push_back(object{{"name", route->name},
                           {"method", route->method},
                           {"path", route->path},
                           {"roles", roles_json(*route)},
                           {"repeatable", route->repeatable},
                           {"fields", std::move(fields)}});
  }
  return collection(std::move(items));
}

constexpr std::array kIndexRoutes = {
    Route{.name = "route.list",
          .act = Act::read,
          .shared = true,
          .method = "GET",
          .path = "/routes",
          .run = run_at_once<list_index>},
};

}  // namespace

std::span<const Route> index_routes() { return kIndexRoutes; }

}  // namespace vodlift::rest
