// files.list of one storage.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/file.h"
#include "base/thread_pool.h"
#include "core/storage.h"
#include "storage/tree_walk.h"

namespace vodlift::storage {

// The results of walks, so that later pages need no walk of their own. Shared by all storages. Internally locked.
class WalkCache {
 public:
  static constexpr std::size_t kMaxWalks = 64;
  static constexpr std::size_t kMaxBytes = std::size_t{48} * 1024 * 1024;  // of paths, in all
  static constexpr std::chrono::seconds kMaxAge{60};

  using Found = std::shared_ptr<const Walk>;

  // Null when the key has no walk, or one that is older than kMaxAge at `now`.
  Found find(const std::string& key, SteadyTime now);
  // Replaces the walk of that key. The oldest walks are dropped until this one fits; one above kMaxBytes is not kept.
  void put(const std::string& key, Found walk, SteadyTime now);

 private:
  struct Kept {
    std::string key;
    Found walk;
    SteadyTime since;
  };
  void drop(std::list<Kept>::iterator one);

  std::mutex mutex_;
  std::list<Kept> kept_;  // oldest first
  std::size_t bytes_ = 0;
};

// Lists one storage, on one thread of its own: a storage that hangs holds up no other, and listings never take more of
// a disk than one reader does. Nobody waits for a listing, so it has no deadline. Internally locked.
class FileLister {
 public:
  static constexpr std::size_t kMaxWaiting = 32;
  static constexpr int kMaxOfAccount = 4;  // under way or waiting

  using Root = std::shared_ptr<const UniqueFd>;
  using Done = std::function<void(Result<FileList>)>;

  FileLister(std::string storage, bool cross_mounts, std::shared_ptr<WalkCache> cache, WalkLimits limits = {});
  ~FileLister() { stop(); }

  // As Storages::list_files(). The first page walks through the folder. Later pages are taken from that walk as long as
  // WalkCache has it; after that they walk too. `root` is called on the lister's thread.
  void list(FileQuery query, std::function<Result<Root>()> root, Done done);

  // Ends a walk early, answers the listings that wait, and takes no new ones.
  void stop();

  // The same, but waits for `grace` at most. False when a listing still hangs then.
  [[nodiscard]] bool stop_within(std::chrono::milliseconds grace);

 private:
  void run(const FileQuery& query, const std::function<Result<Root>()>& root, const Done& done);
  Result<FileList> page(const FileQuery& query, int root);
  Result<WalkCache::Found> walk(const FileQuery& query, int root);
  [[nodiscard]] Error refusal(const FileQuery& query, const Error& error, int root) const;

  const std::string storage_;
  const bool cross_mounts_;
  const std::shared_ptr<WalkCache> cache_;
  const WalkLimits limits_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;                      // guards under_way_
  std::map<std::string, int> under_way_;  // by user
  ThreadPool thread_{"disk-list", 1, kMaxWaiting};
};

}  // namespace vodlift::storage
