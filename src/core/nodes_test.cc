#include "core/nodes.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

TEST(NodesTest, RolesAreWrittenAndRead) {
  EXPECT_EQ(to_text(NodeRoles{}), "api,worker,callback,panel");
  EXPECT_EQ(node_roles_from(to_text(NodeRoles{})), NodeRoles{});
  NodeRoles some;
  some.api = some.panel = false;
  EXPECT_EQ(to_text(some), "worker,callback");
  EXPECT_EQ(node_roles_from("worker,callback"), some);
  EXPECT_EQ(node_roles_from("callback,of a later version,worker"), some);
  EXPECT_EQ(to_text(node_roles_from("")), "");
}

TEST(NodesTest, TheStateFollowsTheSignsOfLife) {
  NodeInfo node;
  node.last_beat = from_unix_ms(1'000'000);
  const WallTime late = node.last_beat + kNodeLostAfter;
  EXPECT_EQ(node_state(node, late), NodeState::alive);
  EXPECT_EQ(node_state(node, late + std::chrono::milliseconds(1)), NodeState::lost);
  node.about.draining = true;
  EXPECT_EQ(node_state(node, late), NodeState::draining);
  EXPECT_EQ(node_state(node, late + std::chrono::milliseconds(1)), NodeState::lost);
  node.left = node.last_beat;
  EXPECT_EQ(node_state(node, late), NodeState::stopped);
}

}  // namespace
}  // namespace vodlift
