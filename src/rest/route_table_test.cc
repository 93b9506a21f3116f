#include "rest/route_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace vodlift::rest {
namespace {

TEST(RouteTable, EveryRouteIsFoundByItsPathAndItsNameIsUnique) {
  std::set<std::string_view> names;
  for (const Route* route : routes()) {
    EXPECT_TRUE(names.insert(route->name).second) << route->name;
    const boost::json::object members{{"cdn", 158}, {"api_key", "K"}, {"bucket", "films"}, {"id", 7}, {"name", "anna"}};
    const std::string path = path_of(route->path, members);
    EXPECT_EQ(find_route(route->method, path).route, route) << path;
    EXPECT_TRUE(route->created.empty() || route->method == "POST");
    EXPECT_EQ(route->mutating, route->method != "GET") << route->name;
  }
}

TEST(RouteTable, EveryWordOfAPathIsAFieldThatIsRequired) {
  for (const Route* route : routes()) {
    for (const auto& [name, value] : find_route(route->method, std::string(kBase) + std::string(route->path)).values) {
      const auto spec = std::ranges::find(route->fields, name, &FieldSpec::name);
      ASSERT_NE(spec, route->fields.end()) << route->path << " " << name;
      EXPECT_TRUE(spec->required) << route->path << " " << name;
    }
  }
}

// Else a customer would see what is of others.
TEST(RouteTable, ACallerWithAnAccountIsKeptToItOnEveryRoute) {
  for (const Route* route : routes()) {
    if (!role_may(Role::customer, route->act) && !role_may(Role::viewer, route->act)) continue;
    const bool has_cdn = std::ranges::find(route->fields, "cdn", &FieldSpec::name) != route->fields.end();
    EXPECT_EQ(has_cdn + (route->is_of != nullptr) + route->shared, 1) << route->name;
  }
}

TEST(RouteTable, WordsOfAPathAreEncoded) {
  const boost::json::object members{{"cdn", 158}, {"bucket", "a/b %"}};
  EXPECT_EQ(path_of("/buckets/{cdn}/{bucket}/check", members), "/api/v1/buckets/158/a%2Fb%20%25/check");
  const RouteMatch match = find_route("GET", "/api/v1/buckets/158/a%2Fb%20%25");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.route->name, "bucket.show");
  EXPECT_EQ(match.values[1], (std::pair<std::string_view, std::string_view>("bucket", "a%2Fb%20%25")));
}

}  // namespace
}  // namespace vodlift::rest
