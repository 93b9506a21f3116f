#include "storage/confined_storages.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstring>

#include "base/encoding.h"
#include "storage/file_lister.h"
#include "storage/local_source_file.h"
#include "storage/open_beneath.h"

namespace vodlift::storage {
namespace {

// Threads that wait for this storage's disk on behalf of transfers. A storage that hangs holds up only its own.
constexpr std::size_t kReadThreads = 2;
constexpr std::size_t kReadQueue = 4096;

bool has_folder(int root, const std::string& user) {
  return open_beneath(root, user, O_PATH | O_DIRECTORY, true).valid();
}

// Of a file; folders have more than one name always.
bool has_other_names(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink > 1;
}

Error unknown(std::string_view storage) {
  return {Errc::storage_unavailable,
          fmt::format("storage {} is unknown; files.getstorage tells which there are", printable(storage, 64))};
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
    case EMFILE:
    case ENFILE:
      return {Errc::storage_unavailable, "the server has too many files open, try again later"};
    default:
      return {Errc::storage_unavailable, fmt::format("file {} cannot be opened: {}", name, errno_text(error_number))};
  }
}

}  // namespace

struct ConfinedStorages::Mounted {
  explicit Mounted(StorageRoot storage, const std::shared_ptr<WalkCache>& walks)
      : name(storage.name),
        root(std::move(storage.root)),
        cross_mounts(storage.cross_mounts),
        deny_hardlinks(storage.deny_hardlinks),
        lister(name, cross_mounts, walks) {}

  const std::string name;
  const std::string root;
  const bool cross_mounts;
  const bool deny_hardlinks;
  std::mutex mutex;                                                         // guards fd
  std::shared_ptr<const UniqueFd> fd = std::make_shared<const UniqueFd>();  // of the root; replaced when it is lost
  // Shared with the files that are open on it.
  std::shared_ptr<ThreadPool> readers = std::make_shared<ThreadPool>("disk-read", kReadThreads, kReadQueue);
  FileLister lister;
};

ConfinedStorages::ConfinedStorages(std::vector<StorageRoot> roots) {
  const auto walks = std::make_shared<WalkCache>();
  for (StorageRoot& root : roots) {
    const std::string name = root.name;
    storages_.emplace(name, std::make_unique<Mounted>(std::move(root), walks));
  }
}

ConfinedStorages::~ConfinedStorages() { stop(); }

void ConfinedStorages::stop() {
  for (const auto& [name, storage] : storages_) {
    storage->lister.stop();
    storage->readers->stop();
  }
}

Result<std::shared_ptr<const UniqueFd>> ConfinedStorages::root_of(Mounted& storage) {
  const std::lock_guard lock(storage.mutex);
  if (!storage.fd->valid()) {
    storage.fd = std::make_shared<const UniqueFd>(::open(storage.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!storage.fd->valid()) {
      return Error{Errc::storage_unavailable,
                   fmt::format("storage {} is not available now; try again later or ask the operator", storage.name)};
    }
  }
  return storage.fd;
}

// A storage without the account's folder is most likely one that is not mounted: an empty mount point must not turn
// queued uploads into files that do not exist. The root is looked up anew next time.
Error ConfinedStorages::not_mounted(Mounted& storage, const std::string& user) {
  const std::lock_guard lock(storage.mutex);
  storage.fd = std::make_shared<const UniqueFd>();
  return {Errc::storage_unavailable,
          fmt::format("storage {} has no folder {} now; try again later or ask the operator whether it is mounted",
                      storage.name, printable(user, 64))};
}

Result<std::unique_ptr<SourceFile>> ConfinedStorages::open(const SourcePath& path) {
  const auto at = storages_.find(path.storage);
  if (at == storages_.end()) return unknown(path.storage);
  const Mounted& storage = *at->second;
  const auto root = root_of(*at->second);
  if (!root) return root.error();
  UniqueFd fd =
      open_beneath((*root)->get(), path.user + "/" + path.file, O_RDONLY | O_NONBLOCK | O_NOCTTY, storage.cross_mounts);
  if (!fd.valid()) {
    const int why = errno;
    if (why == ESTALE || (why == ENOENT && !has_folder((*root)->get(), path.user)))
      return not_mounted(*at->second, path.user);
    return open_failure(path, why);
  }
  const std::string name = path.storage + "/" + path.user + "/" + path.file;
  if (storage.deny_hardlinks && has_other_names(fd.get())) {
    return Error{Errc::source_not_found,
                 fmt::format("file {} has more than one name (hard links), which the operator does not allow on this "
                             "storage; copy it",
                             printable(name))};
  }
  return LocalSourceFile::from(std::move(fd), name, storage.readers);
}

void ConfinedStorages::list_files(FileQuery query, std::function<void(Result<FileList>)> done) {
  const auto at = storages_.find(query.folder.storage);
  if (at == storages_.end()) return done(unknown(query.folder.storage));
  Mounted& storage = *at->second;
  const std::string user = query.folder.user;
  storage.lister.list(
      std::move(query), [this, &storage] { return root_of(storage); },
      [this, &storage, user, done = std::move(done)](Result<FileList> list) {
        if (!list && list.error().code == Errc::not_found) return done(not_mounted(storage, user));
        done(std::move(list));
      });
}

std::vector<StorageInfo> ConfinedStorages::list() {
  std::vector<StorageInfo> out;
  for (const auto& [name, storage] : storages_) {
    StorageInfo info{name, false, 0};
    struct statvfs fs {};
    const auto root = root_of(*storage);
    if (root && ::fstatvfs((*root)->get(), &fs) == 0) {
      info.available = true;
      info.bytes_free = static_cast<std::int64_t>(fs.f_bavail) * static_cast<std::int64_t>(fs.f_frsize);
    }
    out.push_back(std::move(info));
  }
  return out;
}

}  // namespace vodlift::storage
