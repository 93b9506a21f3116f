// Finds the route of a request, and writes paths.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rest/route.h"

namespace vodlift::rest {

inline constexpr std::string_view kBase = "/api/v1";

// All routes, noun by noun.
const std::vector<const Route*>& routes();

// What a path leads to.
struct RouteMatch {
  const Route* route = nullptr;                                       // null: no route has this path and method
  std::vector<std::pair<std::string_view, std::string_view>> values;  // of the words in braces, still percent-encoded
  std::string methods;  // that the path has, "GET, POST"; empty: no route has the path
};

// `path`: without the query. A slash at its end makes it another path.
RouteMatch find_route(std::string_view method, std::string_view path);

// `path` of a Route below kBase, with the values of `members` in place of the words in braces, percent-encoded.
// A word that is no member stays empty.
std::string path_of(std::string_view path, const boost::json::object& members);

}  // namespace vodlift::rest
