#include "postgres/pg_nodes.h"

#include <fmt/format.h>

#include "postgres/account_statements.h"
#include "postgres/queue_statements.h"

namespace vodlift::postgres {
namespace {

constexpr std::size_t kMaxNodeNameBytes = 255;
// How many rows one transaction changes, so that it holds nobody up for long.
constexpr int kShortenStep = 1000;

Error later_term(const NodeTerm& self) {
  return {Errc::lease_lost,
          fmt::format("node {} has begun a later term than {}: another process uses its name", self.node, self.term)};
}

}  // namespace

Result<NodeTerm> PgNodes::join(const std::string& name) {
  if (name.empty() || name.size() > kMaxNodeNameBytes) {
    return Error{Errc::invalid_value, fmt::format("the name of a node has 1 to {} bytes", kMaxNodeNameBytes)};
  }
  return database_.write([&](PgTransaction& transaction) -> Result<NodeTerm> {
    auto row = transaction.connection.run(sql::kJoin, name, to_unix_ms(transaction.now()));
    if (!row.next()) return Error{Errc::internal, fmt::format("node {} cannot be recorded", name)};
    return NodeTerm{row.integer("id"), row.integer("term")};
  });
}

Result<> PgNodes::describe(const NodeTerm& self, const NodeAbout& about) {
  return database_.write([&](PgTransaction& transaction) -> Result<> {
    const auto described =
        transaction.connection.run(sql::kDescribe, self.node, self.term, to_unix_ms(transaction.now()), about.version,
                                   to_text(about.roles), about.draining);
    if (described.changes() != 1) return later_term(self);
    const std::vector<Bytes> storages = bytes_list(about.storages);
    transaction.connection.run(sql::kDropStorages, self.node, storages);
    transaction.connection.run(sql::kAddStorages, self.node, storages);
    transaction.tell({.kind = Change::Kind::uploads_due});
    return {};
  });
}

Result<> PgNodes::beat(const NodeTerm& self) {
  return database_.write([&](PgTransaction& transaction) -> Result<> {
    if (auto touched = touch(transaction, sql::kBeat, self); !touched) return touched;
    transaction.connection.run(sql::kForgetNodes, self.node, to_unix_ms(transaction.now() - kNodeForgottenAfter));
    return {};
  });
}

Result<> PgNodes::leave(const NodeTerm& self) {
  return database_.write([&](PgTransaction& transaction) -> Result<> {
    if (auto touched = touch(transaction, sql::kLeave, self); !touched) return touched;
    transaction.connection.run(sql::kDropAllShares, self.node);
    return {};
  });
}

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
      auto row = transaction.connection.run(statement, to_unix_ms(transaction.now() + longest), kShortenStep);
      while (row.next()) note(transaction, row.integer("id"));
      return row.changes();
    });
    if (!changed) return changed.error();
    if (*changed < kShortenStep) return {};
  }
}

Result<> PgNodes::touch(PgTransaction& transaction, std::string_view statement, const NodeTerm& self) {
  const auto touched = transaction.connection.run(statement, self.node, self.term, to_unix_ms(transaction.now()));
  if (touched.changes() == 1) return {};
  return later_term(self);
}

Result<std::vector<NodeInfo>> PgNodes::list() {
  return database_.read([](PgTransaction& transaction) -> Result<std::vector<NodeInfo>> {
    std::vector<NodeInfo> nodes;
    auto row = transaction.connection.run(sql::kNodes);
    while (row.next()) {
      NodeInfo& node = nodes.emplace_back();
      node.self = {row.integer("id"), row.integer("term")};
      node.name = row.text("name");
      node.started = from_unix_ms(row.integer("started_ms"));
      node.last_beat = from_unix_ms(row.integer("beat_ms"));
      node.left = row.optional_time("left_ms");
      node.about.version = row.text("version");
      node.about.roles = node_roles_from(row.text("roles"));
      node.about.draining = row.integer("draining") != 0;
      node.uploads = row.integer("uploads");
      node.leases_until = row.optional_time("leases_until_ms");
      node.callbacks = row.integer("callbacks");
      node.state = node_state(node, transaction.now());
    }
    auto storage = transaction.connection.run(sql::kNodeStorages);
    for (bool more = storage.next(); NodeInfo & node : nodes) {
      for (; more && storage.integer("node") == node.self.node; more = storage.next()) {
        node.about.storages.push_back(storage.text("storage"));
      }
    }
    return nodes;
  });
}

}  // namespace vodlift::postgres
