#include "store/sqlite_nodes.h"

#include <fmt/format.h>

#include <utility>

#include "store/sqlite_statements.h"

namespace vodlift::store {
namespace {

constexpr std::size_t kMaxNameBytes = 255;
// How many rows one transaction changes, so that it holds nobody up for long.
constexpr int kShortenStep = 1000;

}  // namespace

Result<NodeTerm> SqliteNodes::join(const std::string& name) {
  if (name.empty() || name.size() > kMaxNameBytes) {
    return Error{Errc::invalid_value, fmt::format("the name of a node has 1 to {} bytes", kMaxNameBytes)};
  }
  return database_.write([&](SqliteConnection& connection) -> Result<NodeTerm> {
    auto row = connection.prepare(sql::kJoin);
    row.bind(name, to_unix_ms(clock_.now()));
    if (!row.step()) return Error{Errc::internal, fmt::format("node {} cannot be recorded", name)};
    return NodeTerm{row.integer("id"), row.integer("term")};
  });
}

Result<> SqliteNodes::describe(const NodeTerm& self, const NodeAbout& about) {
  if (auto alive = beat(self); !alive) return alive;
  const std::lock_guard lock(mutex_);
  about_ = about;
  return {};
}

Result<> SqliteNodes::beat(const NodeTerm& self) { return touch(sql::kBeat, self); }

Result<> SqliteNodes::leave(const NodeTerm& self) { return touch(sql::kLeave, self); }

Result<> SqliteNodes::shorten_waits(const LongestWaits& longest) {
  for (const auto& [statement, wait] :
       {std::pair{sql::kShortenUploads, longest.uploads}, std::pair{sql::kShortenCallbacks, longest.callbacks},
        std::pair{sql::kShortenMultiparts, longest.multiparts}}) {
    if (auto shortened = shorten(statement, wait); !shortened) return shortened;
  }
  return {};
}

Result<> SqliteNodes::shorten(std::string_view statement, std::chrono::milliseconds longest) {
  for (;;) {
    const auto changed = database_.write([&](SqliteConnection& connection) -> Result<std::int64_t> {
      connection.prepare(statement).bind(to_unix_ms(clock_.now() + longest), kShortenStep).run();
      return connection.changes();
    });
    if (!changed) return changed.error();
    if (*changed < kShortenStep) return {};
  }
}

Result<> SqliteNodes::touch(std::string_view statement, const NodeTerm& self) {
  return database_.write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare(statement).bind(self.node, self.term, to_unix_ms(clock_.now())).run();
    if (connection.changes() == 1) return {};
    return Error{Errc::lease_lost, fmt::format("node {} has begun a later term than {}: another process uses its name",
                                               self.node, self.term)};
  });
}

NodeAbout SqliteNodes::about() {
  const std::lock_guard lock(mutex_);
  return about_;
}

Result<std::vector<NodeInfo>> SqliteNodes::list() {
  return database_.read([this](SqliteConnection& connection) -> Result<std::vector<NodeInfo>> {
    std::vector<NodeInfo> nodes;
    auto row = connection.prepare(sql::kNodes);
    while (row.step()) {
      NodeInfo& node = nodes.emplace_back();
      node.self = {row.integer("id"), row.integer("term")};
      node.name = row.text("name");
      node.started = from_unix_ms(row.integer("started_ms"));
      node.last_beat = from_unix_ms(row.integer("beat_ms"));
      node.left = row.optional_time("left_ms");
      node.about = about();
      node.uploads = row.integer("uploads");
      node.leases_until = row.optional_time("leases_until_ms");
      node.callbacks = row.integer("callbacks");
      node.state = node_state(node, clock_.now());
    }
    return nodes;
  });
}

}  // namespace vodlift::store
