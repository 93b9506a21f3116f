// Port: the processes that work on one database, and who they are to each other.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
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

// What a node tells of itself.
struct NodeAbout {
  std::vector<std::string> storages{};  // that it has configured

  bool operator==(const NodeAbout&) const = default;
};

enum class NodeState {
  alive,
  lost,    // it has not left, and shows no sign of life
  stopped  // it has left
};

struct NodeInfo {
  NodeTerm self;
  std::string name;
  WallTime started;
  WallTime last_beat;
  std::optional<WallTime> left;  // when it stopped in order; empty: it runs, or it crashed
  NodeAbout about{};             // what it told last
  NodeState state = NodeState::alive;
};

// A node that has not left and shows no sign of life for so long is lost.
inline constexpr std::chrono::seconds kNodeLostAfter{150};
inline NodeState node_state(WallTime last_beat, std::optional<WallTime> left, WallTime now) {
  if (left) return NodeState::stopped;
  return now - last_beat > kNodeLostAfter ? NodeState::lost : NodeState::alive;
}
// A node that is lost, or has left, for so long is forgotten, and what it had.
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
