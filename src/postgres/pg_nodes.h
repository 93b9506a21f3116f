// The nodes of a database, in PostgreSQL.
#pragma once

#include <string_view>

#include "core/nodes.h"
#include "postgres/pg_database.h"

namespace vodlift::postgres {

// Nodes over a PgDatabase. Any thread.
class PgNodes final : public Nodes {
 public:
  explicit PgNodes(PgDatabase& database) : database_(database) {}

  Result<NodeTerm> join(const std::string& name) override;
  Result<> describe(const NodeTerm& self, const NodeAbout& about) override;
  Result<> beat(const NodeTerm& self) override;
  Result<> leave(const NodeTerm& self) override;
  Result<> shorten_waits(const LongestWaits& longest) override;
  Result<std::vector<NodeInfo>> list() override;

 private:
  static Result<> touch(PgTransaction& transaction, std::string_view statement, const NodeTerm& self);
  // `note` gets the id of each row that was changed.
  Result<> shorten(std::string_view statement, std::chrono::milliseconds longest,
                   void (*note)(PgTransaction& transaction, std::int64_t id));

  PgDatabase& database_;
};

}  // namespace vodlift::postgres
