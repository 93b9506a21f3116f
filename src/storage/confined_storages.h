// The sestores on local file systems: files are opened beneath their root or not at all.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "core/storage.h"
#include "storage/local_source_file.h"
#include "storage/timed_calls.h"

namespace vodlift::storage {

class WalkCache;

struct StorageRoot {
  std::string name;  // "sestore4"
  std::string root;  // absolute path of a directory; a link there is the operator's choice and is followed once
  bool cross_mounts = false;    // what is mounted beneath the root belongs to it
  bool deny_hardlinks = false;  // files with more than one name are refused
  bool drain = false;           // new uploads may not name it

  bool operator==(const StorageRoot&) const = default;
};

// Opens with openat2(RESOLVE_BENEATH, no links), so a path can neither leave the root nor pass a symbolic link, however
// the tree changes during the call. A root that is missing at start is tried again at each use. open(), list() and
// reads wait for a storage for some seconds, and not at all while it hangs. Internally locked; use() may be called
// beside all others.
class ConfinedStorages final : public Storages {
 public:
  explicit ConfinedStorages(const std::vector<StorageRoot>& roots);
  // Every SourceFile must be gone before.
  ~ConfinedStorages() override;

  // From now on these are the storages. One that is as before goes on; files of one that has changed or gone stay open
  // until they are closed, and can be read. One that was there before and is not given up yet is used again. Errors:
  // overloaded (kMaxRetired of those that have changed or gone still hang or have open files, and each has threads:
  // nothing was changed).
  [[nodiscard]] Result<> use(const std::vector<StorageRoot>& roots);
  static constexpr std::size_t kMaxRetired = 8;

  // Gives up the calls that are under way, ends listings, and takes no new ones. Call it while the objects that the
  // callbacks use still exist. False when calls of the file system still hang after `grace`: their threads go on using
  // this object, so it must not be destroyed.
  [[nodiscard]] bool stop_within(std::chrono::milliseconds grace);

  Result<std::unique_ptr<SourceFile>> open(const SourcePath& path) override;
  std::optional<Result<std::unique_ptr<SourceFile>>> open_cached(const SourcePath& path) override;
  [[nodiscard]] bool takes_uploads(std::string_view storage) override;
  std::vector<StorageInfo> list() override;
  void list_files(FileQuery query, std::function<void(Result<FileList>)> done) override;

 private:
  struct Mounted;
  struct OpenRoot;
  using MountedPtr = std::shared_ptr<Mounted>;
  using Opened = Result<std::unique_ptr<SourceFile>>;
  // The storage's root, which is opened if it is not open yet. Errors: storage_unavailable.
  static Result<std::shared_ptr<const OpenRoot>> root_of(Mounted& storage);
  static void look_at_root_later(Mounted& storage, const std::shared_ptr<const OpenRoot>& root);
  static void note_bare(Mounted& storage);
  static Error not_mounted(Mounted& storage, const std::string& user);
  static Error lost_root(Mounted& storage, int why);
  static Error no_answer(const Mounted& storage);
  // Nothing where the call would have to wait for the disk, or fails.
  static std::optional<Opened> open_in_memory(Mounted& storage, const SourcePath& path);
  static Opened open_waiting(Mounted& storage, const SourcePath& path);
  static Opened taken(Mounted& storage, const SourcePath& path, UniqueFd fd, FileSystem where);
  static StorageInfo info_of(Mounted& storage);

  [[nodiscard]] MountedPtr find(std::string_view name) const;  // null: there is none
  [[nodiscard]] std::vector<MountedPtr> all() const;
  void end_retired();
  // Of the storages that are retired; null: there is none. Under the lock.
  [[nodiscard]] MountedPtr retired_like(const StorageRoot& root) const;

  const std::shared_ptr<Watchdog> watchdog_ = std::make_shared<Watchdog>();
  const std::shared_ptr<WalkCache> walks_;
  mutable std::mutex mutex_;  // guards the rest, and is held for no call of the file system
  std::map<std::string, MountedPtr, std::less<>> storages_;
  std::vector<MountedPtr> retired_;  // that somebody may still use, or that hang
  std::set<std::string, std::less<>> draining_;
};

}  // namespace vodlift::storage
