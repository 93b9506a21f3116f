#include "storage/confined_storages.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/encoding.h"
#include "storage/local_source_file.h"

namespace vodlift::storage {
namespace {

// Threads that wait for this storage's disk on behalf of transfers. A storage that hangs holds up only its own.
constexpr std::size_t kReadThreads = 2;
constexpr std::size_t kReadQueue = 4096;
constexpr int kRaceTries = 3;

// EAGAIN means the tree was renamed while the kernel walked it: the answer could not be trusted, so ask again.
int open_beneath(int root, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  long fd = -1;
  for (int i = 0; i < kRaceTries; ++i) {
    fd = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  return static_cast<int>(fd);
}

bool has_folder(int root, const std::string& user) {
  return UniqueFd(open_beneath(root, user, O_PATH | O_DIRECTORY)).valid();
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
      return {Errc::source_not_found, fmt::format("file {} lies outside its storage", name)};
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
  std::string name;
  std::string root;
  std::mutex mutex;                                                         // guards fd
  std::shared_ptr<const UniqueFd> fd = std::make_shared<const UniqueFd>();  // of the root; replaced when it is lost
  // Shared with the files that are open on it.
  std::shared_ptr<ThreadPool> readers = std::make_shared<ThreadPool>("disk-read", kReadThreads, kReadQueue);
};

ConfinedStorages::ConfinedStorages(std::vector<StorageRoot> roots) {
  for (StorageRoot& root : roots) {
    auto mounted = std::make_unique<Mounted>();
    mounted->name = root.name;
    mounted->root = std::move(root.root);
    storages_.emplace(root.name, std::move(mounted));
  }
}

ConfinedStorages::~ConfinedStorages() { stop(); }

void ConfinedStorages::stop() {
  for (const auto& [name, storage] : storages_) storage->readers->stop();
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
  if (at == storages_.end()) {
    return Error{Errc::storage_unavailable, fmt::format("storage {} is unknown; files.getstorage tells which there are",
                                                        printable(path.storage, 64))};
  }
  const auto root = root_of(*at->second);
  if (!root) return root.error();
  UniqueFd fd(open_beneath((*root)->get(), path.user + "/" + path.file, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) {
    const int why = errno;
    if (why == ESTALE || (why == ENOENT && !has_folder((*root)->get(), path.user)))
      return not_mounted(*at->second, path.user);
    return open_failure(path, why);
  }
  return LocalSourceFile::from(std::move(fd), path.storage + "/" + path.user + "/" + path.file, at->second->readers);
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
