// The nodes in SQLite: one process at a time, which keeps its id over restarts.
#pragma once

#include <mutex>

#include "core/nodes.h"
#include "store/sqlite_database.h"

namespace vodlift::store {

// Internally locked. Database and clock must outlive it.
class SqliteNodes final : public Nodes {
 public:
  SqliteNodes(SqliteDatabase& database, const Clock& clock) : database_(database), clock_(clock) {}

  Result<NodeTerm> join(const std::string& name) override;
  Result<> describe(const NodeTerm& self, const NodeAbout& about) override;
  Result<> beat(const NodeTerm& self) override;
  Result<> leave(const NodeTerm& self) override;
  Result<> shorten_waits(const LongestWaits& longest) override;
  Result<std::vector<NodeInfo>> list() override;

 private:
  Result<> shorten(std::string_view statement, std::chrono::milliseconds longest);
  Result<> touch(std::string_view statement, const NodeTerm& self);
  NodeAbout about();

  SqliteDatabase& database_;
  const Clock& clock_;
  std::mutex mutex_;  // guards about_
  NodeAbout about_;   // of this process, the one node: nobody else asks
};

}  // namespace vodlift::store
