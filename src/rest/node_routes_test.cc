#include "rest/rest_api_test.h"

namespace vodlift::rest {
namespace {

using NodeRoutesTest = RestApiTest;

TEST_F(NodeRoutesTest, NodesTellWhatTheyAreAndRun) {
  NodeRoles works;
  works.api = works.panel = false;
  const NodeTerm other = nodes_.join("worker1").value();
  ASSERT_TRUE(nodes_.describe(other, {.version = "1.2.3", .roles = works, .storages = {"sestore4"}, .draining = true}));
  const auto list = items("node.list", {});
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].at("here"), true);
  EXPECT_EQ(list[0].at("state"), "alive");
  const std::int64_t now = to_unix_seconds(clock_.now());
  const boost::json::value expected{{"name", "worker1"},
                                    {"here", false},
                                    {"state", "draining"},
                                    {"version", "1.2.3"},
                                    {"roles", {"worker", "callback"}},
                                    {"storages", boost::json::array{"sestore4"}},
                                    {"started", now},
                                    {"last_seen", now},
                                    {"stopped", nullptr},
                                    {"uploads", 0},
                                    {"callbacks", 0},
                                    {"leases_until", nullptr}};
  EXPECT_EQ(boost::json::serialize(list[1]), boost::json::serialize(expected));
}

TEST_F(NodeRoutesTest, AMissingRoleNeedsAPerson) {
  const auto codes = [&] {
    std::vector<std::string> found;
    for (const Need& one : find_needs(context_, std::nullopt, {}, 0)) found.emplace_back(one.code);
    return found;
  };
  EXPECT_EQ(codes(), std::vector<std::string>{});
  NodeRoles calls;
  calls.worker = calls.callback = false;
  ASSERT_TRUE(nodes_.describe(context_.self, {.roles = calls}));
  EXPECT_EQ(codes(), (std::vector<std::string>{"no_worker", "no_callbacks"}));
  const NodeTerm other = nodes_.join("worker1").value();
  EXPECT_EQ(codes(), std::vector<std::string>{});
  ASSERT_TRUE(nodes_.leave(other));
  EXPECT_EQ(codes(), (std::vector<std::string>{"no_worker", "no_callbacks"}));
}

}  // namespace
}  // namespace vodlift::rest
