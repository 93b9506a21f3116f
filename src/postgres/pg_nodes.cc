#include "postgres/pg_nodes.h"

#include <fmt/format.h>

#include "postgres/queue_statements.h"

namespace vodlift::postgres {
namespace {

constexpr std::size_t kMaxNodeNameBytes = 255;
// How many rows one transaction changes, so that it holds nobody up for long.
constexpr int kShortenStep = 1000;

}  // namespace

Result<NodeTerm> PgNodes::join(const std::string& name) {
  if (name.empty() || name.size() > kMaxNodeNameBytes) {
    return Error{Errc::invalid_value, fmt::format("the name of a node has 1 to {} bytes", kMaxNodeNameBytes)};
  }
  return database_.write([&](PgTransaction& transaction) -> Result<NodeTerm> {
    auto row = transaction.connection.run(sql::kJoin, name, to_unix_ms(transaction.now));
    if (!row.next()) return Error{Errc::internal, fmt::format("node {} cannot be recorded", name)};
    return NodeTerm{row.integer("id"), row.integer("term")};
  });
}

Result<> PgNodes::beat(const NodeTerm& self) { return touch(sql::kBeat, self); }

Result<> PgNodes::leave(const NodeTerm& self) { return touch(sql::kLeave, self); }

Result<> PgNodes::shorten_waits(const LongestWaits& longest) {
  const auto upload = [](PgTransaction& transaction, std::int64_t id) { transaction.changed_upload(id); };
  const auto callback = [](PgTransaction& transaction, std::int64_t id) { transaction.changed_callback(id); };
  const auto nothing = [](PgTransaction& /*transaction*/, std::int64_t /*id*/) {};
  if (auto shortened = shorten(sql::kShortenUploads, longest.uploads, upload); !shortened) return shortened;
  if (auto shortened = shorten(sql::kShortenCallbacks, longest.callbacks, callback); !shortened) return shortened;
  return shorten(sql::kShortenMultiparts, longest.multiparts, nothing);
}

Result<> PgNodes::shorten(std::string_view statement, std::chrono::milliseconds longest,
                          void (*note)(PgTransaction& transaction, std::int64_t id)) {
  for (;;) {
    const auto changed = database_.write([&](PgTransaction& transaction) -> Result<std::int64_t> {
      auto row = transaction.connection.run(statement, to_unix_ms(transaction.now + longest), kShortenStep);
      while (row.next()) note(transaction, row.integer("id"));
      return row.changes();
    });
    if (!changed) return changed.error();
    if (*changed < kShortenStep) return {};
  }
}

Result<> PgNodes::touch(std::string_view statement, const NodeTerm& self) {
  return database_.write([&](PgTransaction& transaction) -> Result<> {
    const auto touched = transaction.connection.run(statement, self.node, self.term, to_unix_ms(transaction.now));
    if (touched.changes() == 1) return {};
    return Error{Errc::lease_lost, fmt::format("node {} has begun a later term than {}: another process uses its name",
                                               self.node, self.term)};
  });
}

Result<std::vector<NodeInfo>> PgNodes::list() {
  return database_.read([](PgTransaction& transaction) -> Result<std::vector<NodeInfo>> {
    std::vector<NodeInfo> nodes;
    auto row = transaction.connection.run(sql::kNodes);
    while (row.next()) {
      nodes.push_back({{row.integer("id"), row.integer("term")},
                       row.text("name"),
                       from_unix_ms(row.integer("started_ms")),
                       from_unix_ms(row.integer("beat_ms")),
                       row.optional_time("left_ms")});
    }
    return nodes;
  });
}

}  // namespace vodlift::postgres
