#include "store/sqlite_nodes.h"

#include <fmt/format.h>

#include "store/sqlite_statements.h"

namespace vodlift::store {
namespace {

constexpr std::size_t kMaxNameBytes = 255;

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

Result<> SqliteNodes::beat(const NodeTerm& self) { return touch(sql::kBeat, self); }

Result<> SqliteNodes::leave(const NodeTerm& self) { return touch(sql::kLeave, self); }

Result<> SqliteNodes::touch(std::string_view statement, const NodeTerm& self) {
  return database_.write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare(statement).bind(self.node, self.term, to_unix_ms(clock_.now())).run();
    if (connection.changes() == 1) return {};
    return Error{Errc::lease_lost, fmt::format("node {} has begun a later term than {}: another process uses its name",
                                               self.node, self.term)};
  });
}

Result<std::vector<NodeInfo>> SqliteNodes::list() {
  return database_.read([](SqliteConnection& connection) -> Result<std::vector<NodeInfo>> {
    std::vector<NodeInfo> nodes;
    auto row = connection.prepare(sql::kNodes);
    while (row.step()) {
      nodes.push_back({{row.integer("id"), row.integer("term")},
                       row.text("name"),
                       from_unix_ms(row.integer("started_ms")),
                       from_unix_ms(row.integer("beat_ms")),
                       row.optional_time("left_ms")});
    }
    return nodes;
  });
}

}  // namespace vodlift::store
