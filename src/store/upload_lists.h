// The ids of the uploads that a key's scope holds, so that a list of them costs what it shows.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/upload_store.h"
#include "store/sqlite_connection.h"

namespace vodlift::store {

// Answers lists of the newest uploads. Where an account's index alone would have to step over many rows (a key narrowed
// to some paths or buckets, a large offset) it keeps the ids in memory: which uploads lie in a scope never changes, ids
// only grow, and it is told which are removed. So each row of a history is looked at once for each scope, and not for
// each list.
//
// Keeps kMostLists lists and kMostIds ids (8 bytes each) at most, and forgets those first that were not asked for the
// longest. A list of more than kMostOfOne ids is not kept: its rows lie so close that walking finds them.
//
// Internally locked. While one thread reads the rows that are new to a list, others that want the same list wait.
class UploadLists {
 public:
  static constexpr std::size_t kMostLists = 1000;
  static constexpr std::size_t kMostIds = 2'000'000;
  static constexpr std::size_t kMostOfOne = 1'000'000;
  static constexpr std::int64_t kSmallOffset = 1000;  // the index alone is walked that far

  // The ids that match, newest first. Inside a read transaction that has read nothing yet.
  std::vector<UploadId> newest(SqliteConnection& connection, AccountId account, const UploadQuery& query);

  // Takes ids, ascending, out of all lists; after the commit that removed them. May wait for a list that is being read.
  void forget(const std::vector<UploadId>& removed);

 private:
  struct List {
    std::string name;
    std::mutex mutex;  // guards the next three
    UploadId seen_to = 0;
    std::vector<UploadId> ids;  // oldest first
    bool too_long = false;
    std::size_t size = 0;  // of ids; guarded by UploadLists::mutex_
  };

  std::shared_ptr<List> list_of(AccountId account, const KeyScope& scope);
  static void read_new_rows(SqliteConnection& connection, AccountId account, const KeyScope& scope, List& list);
  void note_size(const std::shared_ptr<List>& list, std::size_t size);

  std::mutex mutex_;
  std::list<std::shared_ptr<List>> lists_;  // the one asked for last is the first
};

}  // namespace vodlift::store
