// What this node tells the others about itself.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "core/nodes.h"

namespace vodlift::app {

// Internally locked; tell() and tell_draining() block for the database.
class NodeDescription {
 public:
  // Nothing is told before the first tell(). `nodes` must outlive this.
  NodeDescription(Nodes& nodes, const NodeTerm& self, NodeAbout about)
      : nodes_(nodes), self_(self), about_(std::move(about)) {}

  // What the node has decides what it is offered: to be told before it is used, so that nothing is taken for gone.
  // Errors: those of Nodes; what was told before counts then.
  Result<> tell(std::vector<std::string> storages);
  // Where anything was told.
  void tell_draining();
  // That were told last.
  [[nodiscard]] std::vector<std::string> storages() const;

 private:
  Result<> describe(NodeAbout about);  // with the lock

  Nodes& nodes_;
  const NodeTerm self_;
  mutable std::mutex mutex_;  // guards the rest
  NodeAbout about_;           // what was told last
  bool told_ = false;
};

}  // namespace vodlift::app
