#include <array>
#include <boost/json/array.hpp>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "rest/route.h"

namespace vodlift::rest {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

value time_or_null(std::optional<WallTime> time) { return time ? value(to_unix_seconds(*time)) : value(nullptr); }

value node_json(const NodeInfo& node, bool here) {
  array roles;
  for (const NodeRoleWord& one : kNodeRoleWords) {
    if (node.about.roles.*one.role) roles.emplace_back(one.word);
  }
  array storages;
  for (const std::string& one : node.about.storages) storages.emplace_back(printable(one));
  return object{{"name", printable(node.name)},
                {"here", here},
                {"state", to_string(node.state)},
                {"version", printable(node.about.version)},
                {"roles", std::move(roles)},
                {"storages", std::move(storages)},
                {"started", to_unix_seconds(node.started)},
                {"last_seen", to_unix_seconds(node.last_beat)},
                {"stopped", time_or_null(node.left)},
                {"uploads", node.uploads},
                {"callbacks", node.callbacks},
                {"leases_until", time_or_null(node.leases_until)}};
}

Result<value> list(const Context& context, const Fields& /*fields*/) {
  const auto nodes = context.nodes.list();
  if (!nodes) return nodes.error();
  array items;
  for (const NodeInfo& one : *nodes) items.push_back(node_json(one, one.self.node == context.self.node));
  return collection(std::move(items));
}

constexpr std::array kNodeRoutes = {
    Route{.name = "node.list", .act = Act::configure, .method = "GET", .path = "/nodes", .run = run_at_once<list>},
};

}  // namespace

std::span<const Route> node_routes() { return kNodeRoutes; }

}  // namespace vodlift::rest
