#include "rest/route_table.h"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "rest/buckets.h"
#include "rest/uploads.h"

namespace vodlift::rest {
namespace {

using Values = std::vector<std::pair<std::string_view, std::string_view>>;

bool is_name(std::string_view segment) { return segment.starts_with('{'); }
std::string_view name_of(std::string_view segment) { return segment.substr(1, segment.size() - 2); }

// Cuts the first segment off, with its slash.
std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(std::min<std::size_t>(1, path.size()));
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

std::optional<Values> match(std::string_view pattern, std::string_view path) {
  Values values;
  while (!pattern.empty()) {
    if (!path.starts_with('/')) return std::nullopt;
    const std::string_view wanted = take_segment(pattern);
    const std::string_view found = take_segment(path);
    if (!is_name(wanted)) {
      if (wanted != found) return std::nullopt;
    } else if (found.empty()) {
      return std::nullopt;
    } else {
      values.emplace_back(name_of(wanted), found);
    }
  }
  if (!path.empty()) return std::nullopt;
  return values;
}

std::string text_of(const boost::json::value* value) {
  if (value == nullptr) return {};
  if (const auto* text = value->if_string()) return {text->data(), text->size()};
  return boost::json::serialize(*value);
}

}  // namespace

const std::vector<const Route*>& routes() {
  static const std::vector<const Route*> kRoutes = [] {
    std::vector<const Route*> all;
    for (const auto some :
         {account_routes(),  key_routes(),      bucket_routes(),        bucket_check_routes(), removal_routes(),
          import_routes(),   upload_routes(),   upload_change_routes(), upload_batch_routes(), limit_routes(),
          storage_routes(),  callback_routes(), statistics_routes(),    overview_routes(),     event_routes(),
          audit_routes(),    alert_routes(),    session_routes(),       person_routes(),       token_routes(),
          settings_routes(), store_routes(),    node_routes(),          index_routes()}) {
      for (const Route& route : some) all.push_back(&route);
    }
    return all;
  }();
  return kRoutes;
}

RouteMatch find_route(std::string_view method, std::string_view path) {
  RouteMatch found;
  if (!path.starts_with(kBase)) return found;
  path.remove_prefix(kBase.size());
  for (const Route* route : routes()) {
    auto values = match(route->path, path);
    if (!values) continue;
    if (route->method == method) return {route, std::move(*values), {}};
    if (!found.methods.empty()) found.methods += ", ";
    found.methods += route->method;
  }
  return found;
}

std::string path_of(std::string_view path, const boost::json::object& members) {
  std::string text(kBase);
  while (!path.empty()) {
    const std::string_view segment = take_segment(path);
    text += '/';
    text += is_name(segment) ? uri_encode(text_of(members.if_contains(name_of(segment)))) : std::string(segment);
  }
  return text;
}

}  // namespace vodlift::rest
