#include "core/nodes.h"

#include <algorithm>

namespace vodlift {

std::string to_text(const NodeRoles& roles) {
  std::string text;
  for (const NodeRoleWord& one : kNodeRoleWords) {
    if (!(roles.*one.role)) continue;
    if (!text.empty()) text += ',';
    text += one.word;
  }
  return text;
}

NodeRoles node_roles_from(std::string_view text) {
  NodeRoles roles{.api = false, .worker = false, .callback = false, .panel = false};
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(','));
    for (const NodeRoleWord& one : kNodeRoleWords) {
      if (one.word == word) roles.*one.role = true;
    }
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return roles;
}

std::string_view to_string(NodeState state) {
  switch (state) {
    case NodeState::alive:
      return "alive";
    case NodeState::draining:
      return "draining";
    case NodeState::lost:
      return "lost";
    case NodeState::stopped:
      break;
  }
  return "stopped";
}

NodeState node_state(const NodeInfo& node, WallTime now) {
  if (node.left) return NodeState::stopped;
  if (now - node.last_beat > kNodeLostAfter) return NodeState::lost;
  return node.about.draining ? NodeState::draining : NodeState::alive;
}

}  // namespace vodlift
