#include "storage/confined_storages.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <iterator>
#include <thread>
#include <utility>

#include "base/encoding.h"
#include "base/log.h"
#include "storage/file_lister.h"
#include "storage/local_source_file.h"
#include "storage/open_beneath.h"
#include "storage/timed_calls.h"

namespace vodlift::storage {
namespace {

using namespace std::chrono_literals;

// Of one storage. The spare threads are for single files that hang, such as those that a tape robot has to fetch. The
// patience for opens is long enough for disks that have to spin up. That for reads is longer: reads of one storage wait
// for one another, and a slow storage is not dead.
constexpr TimedCalls::Limits kOpens{2, 6, std::chrono::seconds(5)};
constexpr TimedCalls::Limits kReads{4, 28, std::chrono::seconds(10)};

bool has_folder(int root, const std::string& user) {
  return open_beneath(root, user, O_PATH | O_DIRECTORY, true).valid();
}

// Of a root, so that one with very many files costs little.
constexpr int kMostEntriesLookedAt = 1000;

bool is_folder(int parent, const dirent& entry) {
  const std::string_view name = entry.d_name;
  if (name == "." || name == "..") return false;
  if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
  struct stat status {};
  return ::fstatat(parent, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

// Whether a root has no folder in it, as the place of a mount has while nothing is mounted there. False where that
// cannot be found out.
bool is_bare(int root) {
  UniqueFd fd(::openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* entries = fd.valid() ? ::fdopendir(fd.get()) : nullptr;
  if (entries == nullptr) return false;
  static_cast<void>(fd.release());  // it is closed with `entries`
  bool bare = true;
  errno = 0;
  for (int left = kMostEntriesLookedAt; bare; --left) {
    const dirent* entry = ::readdir(entries);
    if (entry == nullptr && errno == 0) break;
    bare = entry != nullptr && left > 0 && !is_folder(root, *entry);
  }
  ::closedir(entries);
  return bare;
}

// Between the tries of an open that is refused for the moment, 310 ms in all. The caller waits, not a thread of the
// storage.
constexpr std::array<std::chrono::milliseconds, 5> kOpenPauses = {10ms, 20ms, 40ms, 80ms, 160ms};

// A root that is open is compared with what its path names now, but not more often.
constexpr std::chrono::seconds kRootTrusted{1};

// Whether the path still names the folder that is open: something else may be mounted there by now.
bool names_folder(const std::string& path, int folder) {
  struct stat named {};
  struct stat open {};
  return ::stat(path.c_str(), &named) == 0 && ::fstat(folder, &open) == 0 && named.st_dev == open.st_dev &&
         named.st_ino == open.st_ino;
}

constexpr int kSourceFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY;

// Whether a file has hard links. Folders always have more than one name, so they do not count.
bool has_other_names(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink > 1;
}

constexpr Subject kRootItself = 1;

Subject subject_of(const SourcePath& path) {
  return std::max<std::size_t>(std::hash<std::string>{}(path.user + "/" + path.file), kRootItself + 1);
}

// Whether this process may look up names in the folder.
bool may_enter(int folder) { return ::faccessat(folder, ".", F_OK, 0) == 0; }

Error unknown(std::string_view storage) {
  return {Errc::storage_unknown,
          fmt::format("storage {} is unknown; files.getstorage lists the storages", printable(storage, 64))};
}

// Says nothing of the storage.
Error too_many_files() {
  return {Errc::overloaded, "more traffic than usual: the server has too many files open; try again in a few minutes"};
}

Error open_failure(const SourcePath& path, int error_number) {
  const std::string name = printable(fmt::format("{}/{}/{}", path.storage, path.user, path.file));
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return {Errc::source_not_found, fmt::format("file {} does not exist", name)};
    case ELOOP:
      return {Errc::source_not_found,
              fmt::format("file {} is, or lies behind, a symbolic link; links are not followed", name)};
    case EXDEV:
      return {Errc::source_not_found,
              fmt::format("file {} lies on another file system, mounted beneath its storage; ask the operator to allow "
                          "that (cross_mounts)",
                          name)};
    case EACCES:
    case EPERM:
      return {Errc::source_not_found, fmt::format("file {} may not be read by the server: permission denied", name)};
    case ENAMETOOLONG:
      return {Errc::source_not_found, fmt::format("file {}: the name is too long", name)};
    case ENXIO:  // a socket, or a FIFO nobody writes to
      return {Errc::source_not_found, fmt::format("{} is not a regular file", name)};
    // These pass, and say nothing of the storage: another program holds a lease on the file, the file server has put
    // another file in its place, or a signal came.
    case EAGAIN:
    case EINTR:
    case ETXTBSY:
    case ESTALE:
      return {Errc::source_busy, fmt::format("file {} cannot be opened now, perhaps because another program holds it "
                                             "({}); try again later",
                                             name, errno_text(error_number))};
    case EMFILE:
    case ENFILE:
      return too_many_files();
    default:
      return {Errc::storage_unavailable, fmt::format("file {} cannot be opened: {}", name, errno_text(error_number))};
  }
}

}  // namespace

struct ConfinedStorages::OpenRoot {
  UniqueFd fd;
  FileSystem where = FileSystem::remote;
};

struct ConfinedStorages::Mounted : StorageRoot {
  Mounted(const StorageRoot& storage, const std::shared_ptr<Watchdog>& watchdog,
          const std::shared_ptr<WalkCache>& walks)
      : StorageRoot(storage),
        reads(std::make_shared<TimedCalls>(watchdog, "disk-read", kReads)),
        opens(watchdog, "disk-open", kOpens),
        lister(name, cross_mounts, walks) {}

  // Notes whether the storage can be used; for how long it cannot by now.
  std::optional<std::chrono::seconds> note(bool available) {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex);
    if (available) gone_since.reset();
    if (available) return std::nullopt;
    if (!gone_since) gone_since = now;
    return std::chrono::floor<std::chrono::seconds>(now - *gone_since);
  }

  // Gives up what is under way. False when its calls still hang at `end`.
  bool stop_until(SteadyTime end) {
    const auto left = [end] {
      const auto now = std::chrono::steady_clock::now();
      return now < end ? std::chrono::ceil<std::chrono::milliseconds>(end - now) : std::chrono::milliseconds(0);
    };
    const bool no_reads = reads->stop_within(left());
    const bool no_opens = opens.stop_within(left());
    const bool no_listings = lister.stop_within(left());
    return no_reads && no_opens && no_listings;
  }

  std::atomic<bool> given_up = false;  // it takes no more calls
  std::atomic<int> lost_by = 0;        // the errno that the log has told last; 0: none since the root could be used
  std::atomic<bool> bare = false;      // a folder was asked for, and the root had none at all
  std::mutex mutex;                    // guards the next three, and is held for no call of the file system
  std::optional<SteadyTime> gone_since;
  SteadyTime root_trusted_until{};
  std::shared_ptr<const OpenRoot> open_root = std::make_shared<const OpenRoot>();  // replaced when it is lost
  const std::shared_ptr<TimedCalls> reads;  // shared with the files that are open
  TimedCalls opens;                         // and questions for free space
  FileLister lister;
};

ConfinedStorages::ConfinedStorages(const std::vector<StorageRoot>& roots) : walks_(std::make_shared<WalkCache>()) {
  (void)use(roots);  // none is retired
}

ConfinedStorages::~ConfinedStorages() = default;

Result<> ConfinedStorages::use(const std::vector<StorageRoot>& roots) {
  end_retired();
  const std::lock_guard lock(mutex_);
  std::map<std::string, MountedPtr, std::less<>> wanted;
  std::set<std::string, std::less<>> draining;
  for (StorageRoot root : roots) {
    if (std::exchange(root.drain, false)) draining.insert(root.name);
    const auto before = storages_.find(root.name);
    const bool same = before != storages_.end() && static_cast<const StorageRoot&>(*before->second) == root;
    MountedPtr storage = same ? before->second : retired_like(root);
    if (!storage) storage = std::make_shared<Mounted>(root, watchdog_, walks_);
    wanted.emplace(root.name, std::move(storage));
  }
  std::vector<MountedPtr> retired;
  const auto is_wanted = [&wanted](const MountedPtr& one) {
    const auto now = wanted.find(one->name);
    return now != wanted.end() && now->second == one;
  };
  for (const auto& [name, storage] : storages_) {
    if (!is_wanted(storage)) retired.push_back(storage);
  }
  std::ranges::copy_if(retired_, std::back_inserter(retired), std::not_fn(is_wanted));
  if (retired.size() > kMaxRetired && retired.size() > retired_.size()) {
    return Error{Errc::overloaded,
                 fmt::format("{} storages that were changed or removed before still hang or have files open; let them "
                             "answer, or restart the daemon",
                             retired_.size())};
  }
  retired_ = std::move(retired);
  storages_ = std::move(wanted);
  draining_ = std::move(draining);
  return {};
}

ConfinedStorages::MountedPtr ConfinedStorages::retired_like(const StorageRoot& root) const {
  const auto found = std::ranges::find_if(retired_, [&root](const MountedPtr& one) {
    return !one->given_up && static_cast<const StorageRoot&>(*one) == root;
  });
  return found == retired_.end() ? nullptr : *found;
}

bool ConfinedStorages::takes_uploads(std::string_view storage) {
  const std::lock_guard lock(mutex_);
  return !draining_.contains(storage);
}

// The threads of a storage end once nobody uses it and no file of it is open.
void ConfinedStorages::end_retired() {
  std::vector<MountedPtr> ended;
  {
    const std::lock_guard lock(mutex_);
    const auto unused = std::stable_partition(retired_.begin(), retired_.end(), [](const MountedPtr& one) {
      return one.use_count() > 1 || one->reads.use_count() > 1;
    });
    std::move(unused, retired_.end(), std::back_inserter(ended));
    retired_.erase(unused, retired_.end());
  }
  for (MountedPtr& one : ended) {
    one->given_up = true;
    if (one->stop_until(SteadyTime::min())) continue;
    const std::lock_guard lock(mutex_);  // it hangs
    retired_.push_back(std::move(one));
  }
}

ConfinedStorages::MountedPtr ConfinedStorages::find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto at = storages_.find(name);
  return at == storages_.end() ? nullptr : at->second;
}

std::vector<ConfinedStorages::MountedPtr> ConfinedStorages::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<MountedPtr> storages;
  storages.reserve(storages_.size());
  for (const auto& [name, storage] : storages_) storages.push_back(storage);
  return storages;
}

bool ConfinedStorages::stop_within(std::chrono::milliseconds grace) {
  const SteadyTime end = std::chrono::steady_clock::now() + grace;
  watchdog_->stop();
  std::vector<MountedPtr> storages = all();
  {
    const std::lock_guard lock(mutex_);
    storages.insert(storages.end(), retired_.begin(), retired_.end());
  }
  // All of them first, so that a storage that hangs uses up nobody else's time.
  for (const MountedPtr& storage : storages) storage->stop_until(SteadyTime::min());
  bool stopped = true;
  for (const MountedPtr& storage : storages) {
    if (storage->stop_until(end)) continue;
    log::warn("a storage does not answer; it is not waited for", {{"storage", storage->name}});
    stopped = false;
  }
  return stopped;
}

Result<std::shared_ptr<const ConfinedStorages::OpenRoot>> ConfinedStorages::root_of(Mounted& storage) {
  std::shared_ptr<const OpenRoot> root;
  const auto now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(storage.mutex);
    root = storage.open_root;
    if (root->fd.valid() && now < storage.root_trusted_until) return root;
  }
  if (root->fd.valid() && names_folder(storage.root, root->fd.get())) {
    const std::lock_guard lock(storage.mutex);
    storage.root_trusted_until = now + kRootTrusted;
    return root;
  }
  OpenRoot opened{UniqueFd(::open(storage.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC))};
  if (!opened.fd.valid()) {
    const int why = errno;
    return why == EMFILE || why == ENFILE ? too_many_files() : lost_root(storage, why);
  }
  opened.where = file_system_of(opened.fd.get());
  const std::lock_guard lock(storage.mutex);
  storage.root_trusted_until = now + kRootTrusted;
  return storage.open_root = std::make_shared<const OpenRoot>(std::move(opened));
}

// Nobody waits for it: the caller goes on with the root as it is.
void ConfinedStorages::look_at_root_later(Mounted& storage, const std::shared_ptr<const OpenRoot>& root) {
  storage.opens.start<bool>(
      kRootItself,
      [&storage, root] {
        const bool same = names_folder(storage.root, root->fd.get());
        const std::lock_guard lock(storage.mutex);
        if (!same && storage.open_root == root) storage.open_root = std::make_shared<const OpenRoot>();
        return same;
      },
      [](std::optional<bool>) {});
}

// The log says it again only where the reason is another one.
Error ConfinedStorages::lost_root(Mounted& storage, int why) {
  const std::string reason = errno_text(why);
  storage.note(false);
  if (storage.lost_by.exchange(why) != why) {
    log::warn("a storage's root cannot be used; its uploads wait",
              {{"storage", storage.name}, {"root", storage.root}, {"reason", reason}});
  }
  return {Errc::storage_unavailable,
          fmt::format("storage {} is not available now; try again later or ask the operator", storage.name),
          fmt::format("{}: {}", storage.root, reason)};
}

Error ConfinedStorages::no_answer(const Mounted& storage) {
  return {Errc::storage_unavailable,
          fmt::format("storage {} does not answer; try again later or ask the operator", storage.name)};
}

// A storage without the account's folder is most likely one that is not mounted: an empty mount point must not turn
// queued uploads into files that do not exist. The root is opened again at the next use.
Error ConfinedStorages::not_mounted(Mounted& storage, const std::string& user) {
  const std::lock_guard lock(storage.mutex);
  storage.open_root = std::make_shared<const OpenRoot>();
  return {Errc::storage_unavailable,
          fmt::format("storage {} has no folder {} now; try again later or ask the operator whether it is mounted",
                      storage.name, printable(user, 64))};
}

// Only when somebody asked for a folder: one that is new has none either.
void ConfinedStorages::note_bare(Mounted& storage) {
  storage.note(false);
  if (storage.bare.exchange(true)) return;
  log::warn("a storage's root holds no folder; nothing may be mounted there, and its uploads wait",
            {{"storage", storage.name}, {"root", storage.root}});
}

Result<std::unique_ptr<SourceFile>> ConfinedStorages::open(const SourcePath& path) {
  const MountedPtr found = find(path.storage);
  if (!found) return unknown(path.storage);
  Mounted& storage = *found;
  if (auto cached = open_in_memory(storage, path)) return std::move(*cached);
  for (auto pause = kOpenPauses.begin();; ++pause) {
    auto opened =
        storage.opens.call<Opened>(subject_of(path), [&storage, path] { return open_waiting(storage, path); });
    if (!opened) return no_answer(storage);
    const bool busy = !*opened && opened->error().code == Errc::source_busy;
    if (!busy || pause == kOpenPauses.end()) return std::move(*opened);
    std::this_thread::sleep_for(*pause);
  }
}

std::optional<Result<std::unique_ptr<SourceFile>>> ConfinedStorages::open_cached(const SourcePath& path) {
  const MountedPtr found = find(path.storage);
  if (!found) return std::nullopt;
  return open_in_memory(*found, path);
}

// Most names that are opened lie in memory. They need no other thread.
std::optional<Result<std::unique_ptr<SourceFile>>> ConfinedStorages::open_in_memory(Mounted& storage,
                                                                                    const SourcePath& path) {
  std::shared_ptr<const OpenRoot> root;
  bool is_trusted = true;
  {
    const std::lock_guard lock(storage.mutex);
    const auto now = std::chrono::steady_clock::now();
    root = storage.open_root;
    is_trusted = now < storage.root_trusted_until;
    if (!is_trusted) storage.root_trusted_until = now + kRootTrusted;
  }
  if (!is_trusted && root->fd.valid()) look_at_root_later(storage, root);
  // Names that lie in memory can be opened without waiting for a server. Beneath the root another kind of file system
  // may be mounted.
  if (root->where == FileSystem::remote || storage.cross_mounts) return std::nullopt;
  UniqueFd fd = open_beneath(root->fd.get(), path.user + "/" + path.file, kSourceFlags, false, /*cached_only=*/true);
  if (!fd.valid()) return std::nullopt;
  return taken(storage, path, std::move(fd), root->where);
}

Result<std::unique_ptr<SourceFile>> ConfinedStorages::open_waiting(Mounted& storage, const SourcePath& path) {
  const auto root = root_of(storage);
  if (!root) return root.error();
  const int root_fd = (*root)->fd.get();
  UniqueFd fd = open_beneath(root_fd, path.user + "/" + path.file, kSourceFlags, storage.cross_mounts);
  if (!fd.valid()) {
    const int why = errno;
    if (why == EACCES && !may_enter(root_fd)) return lost_root(storage, why);
    const bool may_be_lost = why == ESTALE || why == ENOENT;
    if (may_be_lost && !has_folder(root_fd, path.user)) {
      if (is_bare(root_fd)) note_bare(storage);
      return not_mounted(storage, path.user);
    }
    return open_failure(path, why);
  }
  if (storage.lost_by != 0) storage.lost_by = 0;
  if (storage.bare) storage.bare = false;
  const FileSystem where = storage.cross_mounts ? file_system_of(fd.get()) : (*root)->where;
  return taken(storage, path, std::move(fd), where);
}

Result<std::unique_ptr<SourceFile>> ConfinedStorages::taken(Mounted& storage, const SourcePath& path, UniqueFd fd,
                                                            FileSystem where) {
  const std::string name = path.storage + "/" + path.user + "/" + path.file;
  if (storage.deny_hardlinks && has_other_names(fd.get())) {
    return Error{Errc::source_not_found,
                 fmt::format("file {} has more than one name (hard links), which the operator does not allow on this "
                             "storage; copy it",
                             printable(name))};
  }
  return LocalSourceFile::from(std::move(fd), name, storage.reads, where);
}

void ConfinedStorages::list_files(FileQuery query, std::function<void(Result<FileList>)> done) {
  const MountedPtr found = find(query.folder.storage);
  if (!found) return done(unknown(query.folder.storage));
  const std::string user = query.folder.user;
  Mounted& storage = *found;
  // The lister is a part of the storage, which a listing keeps by its answer.
  storage.lister.list(
      std::move(query),
      [&storage]() -> Result<FileLister::Root> {
        const auto root = root_of(storage);
        if (!root) return root.error();
        if (!may_enter((*root)->fd.get())) return lost_root(storage, errno);
        return FileLister::Root(*root, &(*root)->fd);
      },
      [found, user, done = std::move(done)](Result<FileList> list) {
        if (!list && list.error().code == Errc::not_found) return done(not_mounted(*found, user));
        done(std::move(list));
      });
}

std::vector<StorageInfo> ConfinedStorages::list() {
  std::vector<StorageInfo> out;
  for (const MountedPtr& storage : all()) {
    auto info = storage->opens.call<StorageInfo>(kRootItself, [&storage = *storage] { return info_of(storage); });
    out.push_back(info ? std::move(*info) : StorageInfo{storage->name, false, 0});
    out.back().gone_for = storage->note(out.back().available);
  }
  return out;
}

StorageInfo ConfinedStorages::info_of(Mounted& storage) {
  StorageInfo info{storage.name, false, 0};
  struct statvfs fs {};
  const auto root = root_of(storage);
  if (!root) return info;
  if (!may_enter((*root)->fd.get())) {
    (void)lost_root(storage, errno);
  } else if (::fstatvfs((*root)->fd.get(), &fs) == 0) {
    storage.lost_by = 0;
    info.bare = storage.bare && is_bare((*root)->fd.get());
    storage.bare = info.bare;
    info.available = !info.bare;
    // Of a place where nothing is mounted, that would be another disk's.
    if (info.available)
      info.bytes_free = static_cast<std::int64_t>(fs.f_bavail) * static_cast<std::int64_t>(fs.f_frsize);
  }
  return info;
}

}  // namespace vodlift::storage
