// The check of the database that goes on while the daemon runs.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/worker_thread.h"
#include "store/sqlite_connection.h"
#include "store/sqlite_database.h"

namespace vodlift::store {

// What one round costs at most. Each read is followed by a rest of `rest` times its length, so the check takes one
// hundredth of a processor. A million uploads with their callbacks take some three hours then.
struct CheckPace {
  int rows = 1000;                                           // in one read, whose snapshot lasts some milliseconds
  int rest = 100;                                            // after each read, in lengths of that read
  std::chrono::milliseconds least_rest{100};                 // but no less
  std::chrono::milliseconds first{std::chrono::minutes(1)};  // after start(), before the first round
  std::chrono::milliseconds between_rounds{std::chrono::hours(1)};  // from the end of one to the begin of the next
};

// One way through a table or an index, in its own order.
struct Walk {
  std::string table;
  std::string index;  // empty: the rows themselves
  std::string select;
  std::string from;
  std::string where;
  std::string key;     // the columns of the order
  std::string quoted;  // the values of `key`, as one SQL text

  // At most `rows` rows that come after the row whose `quoted` is `after`; empty: the first ones. Its columns `sound`
  // (0 or 1) and `place` (`quoted` of the row) come first.
  [[nodiscard]] std::string statement(const std::string& after, int rows) const;
};

// For each table its rows, read whole, with the types of their columns; then for each of its indexes the rows, each
// looked up in the index, and the entries, each looked up in the table.
std::vector<Walk> walks_of(SqliteConnection& connection);

// What a round found: indexes that were made again, or counts (upload_counts.h); and damage that stays.
struct CheckFindings {
  int rebuilt = 0;
  int lasting = 0;

  bool operator==(const CheckFindings&) const = default;
};

inline constexpr std::chrono::seconds kCountPatience{5};  // ten million uploads take about one

// Reads all tables and indexes a little at a time, and compares them. Each read is one statement with a connection of
// its own, so it sees one committed state, and the file rather than a cache of pages. An index that does not match its
// table is made again, through the writer. Other damage is told in each round. At the end of a round that found no
// lasting damage, the counts of uploads are compared with an index, in one read of kCountPatience at most; they are
// counted again if they do not fit. Not covered: free pages, bytes of a row that no index has, and the counted sizes.
class BackgroundCheck {
 public:
  // `database` must outlive it, and `path` is its file.
  BackgroundCheck(SqliteDatabase& database, std::filesystem::path path, CheckPace pace = {});
  BackgroundCheck(const BackgroundCheck&) = delete;
  BackgroundCheck& operator=(const BackgroundCheck&) = delete;
  // Like stop().
  ~BackgroundCheck() { stop(); }

  // start() and stop() from one thread. stop() waits for the read or the rebuilding under way.
  void start();
  void stop() { loop_.stop(); }

  // Checks everything once. For the thread of start(), and for tests without one.
  CheckFindings round();

  // CheckFindings::lasting of the last round; 0 before the first. Any thread.
  [[nodiscard]] int lasting() const { return lasting_; }

 private:
  struct Slice {
    std::optional<std::string> unsound;  // the place of a row that does not match
    std::string last;                    // the place to go on after; empty: this was the end
  };

  CheckFindings look_at_all();
  Result<std::vector<Walk>> plan() const;
  std::optional<std::string> find_damage(const Walk& walk);
  Result<Slice> look(const Walk& walk, const std::string& after) const;
  bool mend(const Walk& walk, const std::string& damage);
  void check_counts(CheckFindings& findings);

  SqliteDatabase& database_;
  const std::filesystem::path path_;
  const CheckPace pace_;
  std::atomic<int> lasting_ = 0;
  WorkerThread loop_;
};

}  // namespace vodlift::store
