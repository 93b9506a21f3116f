// Port: the processes that work on one database, and who they are to each other.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace vodlift {

// One run of a node: the node keeps its id when it restarts, and each start has a higher term. Leases carry it, so that
// a start takes back the leases of the node's own earlier terms and of nobody else.
struct NodeTerm {
  std::int64_t node = 0;  // >= 1
  std::int64_t term = 0;  // >= 1

  bool operator==(const NodeTerm&) const = default;
};

// What a node does. A single node does everything.
struct NodeRoles {
  bool api = true;       // takes calls of the legacy API
  bool worker = true;    // sends files
  bool callback = true;  // delivers callbacks
  bool panel = true;     // serves the Control Panel, and the REST API over TCP

  bool operator==(const NodeRoles&) const = default;
};

// The words for them, in the configuration and in docs/openapi.yaml.
struct NodeRoleWord {
  std::string_view word;
  bool NodeRoles::*role;
};
inline constexpr std::array kNodeRoleWords = {
    NodeRoleWord{"api", &NodeRoles::api}, NodeRoleWord{"worker", &NodeRoles::worker},
    NodeRoleWord{"callback", &NodeRoles::callback}, NodeRoleWord{"panel", &NodeRoles::panel}};

std::string to_text(const NodeRoles& roles);       // "api,worker"
NodeRoles node_roles_from(std::string_view text);  // other words are left out

// What a node says about itself.
struct NodeAbout {
  std::string version{};  // of its program
  NodeRoles roles{};
  std::vector<std::string> storages{};  // that it has configured
  bool draining = false;                // it stops: it begins nothing new

  bool operator==(const NodeAbout&) const = default;
};

enum class NodeState {
  alive,
  draining,  // it stops
  lost,      // it has not left, and shows no sign of life
  stopped,   // it has left
};
inline constexpr std::array kNodeStates = {NodeState::alive, NodeState::draining, NodeState::lost, NodeState::stopped};
std::string_view to_string(NodeState state);

struct NodeInfo {
  NodeTerm self;
  std::string name;
  WallTime started;
  WallTime last_beat;
  std::optional<WallTime> left;  // when it stopped in order; empty: it runs, or it crashed
  NodeAbout about{};             // what it told last
  NodeState state = NodeState::alive;
  // What it runs.
  std::int64_t uploads = 0;
  std::int64_t callbacks = 0;              // deliveries under way
  std::optional<WallTime> leases_until{};  // of these uploads: when the last lease ends; empty: it runs none
};

// After so long without a sign of life, a node that has not left is lost.
inline constexpr std::chrono::seconds kNodeLostAfter{150};
// The state of one whose other members are set.
NodeState node_state(const NodeInfo& node, WallTime now);
// A node that was away for so long is forgotten, with the names of its storages.
inline constexpr std::chrono::hours kNodeForgottenAfter{7 * 24};

// How long what is pending may wait for its next attempt: uploads, callbacks, abandoned multipart uploads.
struct LongestWaits {
  std::chrono::milliseconds uploads{0};
  std::chrono::milliseconds callbacks{0};
  std::chrono::milliseconds multiparts{0};
};

// Any thread; calls block until the disk has the change. Times are of the store's clock. Errors of all: store_failed
// (nothing was changed), internal.
class Nodes {
 public:
  Nodes() = default;
  Nodes(const Nodes&) = delete;
  Nodes& operator=(const Nodes&) = delete;
  virtual ~Nodes() = default;

  // Begins the next term of the node called `name`, 1 to 255 bytes; a name that is new gets a new id.
  // Errors also: invalid_value.
  virtual Result<NodeTerm> join(const std::string& name) = 0;

  // Says what the node is and has, from now on and while it is away, until its next term says otherwise. Errors: as
  // beat().
  virtual Result<> describe(const NodeTerm& self, const NodeAbout& about) = 0;

  // Says that the node is alive, and forgets others that are away for kNodeForgottenAfter. Errors also: lease_lost (a
  // later term has begun: another process uses this name; or the node was forgotten).
  virtual Result<> beat(const NodeTerm& self) = 0;

  // Says that the node stops in order. Errors: as beat().
  virtual Result<> leave(const NodeTerm& self) = 0;

  // For the start, and for now and then: what waits for longer from now on than anything of its kind may
  // wait (`longest`) waits for that long. A time that was set by a clock that went ahead would keep it for ever.
  virtual Result<> shorten_waits(const LongestWaits& longest) = 0;

  // All nodes that have joined and are not forgotten, by id.
  virtual Result<std::vector<NodeInfo>> list() = 0;
};

}  // namespace vodlift
