#include "storage/local_source_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "base/encoding.h"

namespace vodlift::storage {
namespace {

SourceIdentity identity_of(const struct stat& status) {
  const auto nanoseconds = [](const timespec& time) { return time.tv_sec * std::int64_t{1000000000} + time.tv_nsec; };
  SourceIdentity identity;
  identity.device = status.st_dev;
  identity.inode = status.st_ino;
  identity.size = status.st_size;
  identity.change_ns = nanoseconds(status.st_ctim);
  identity.modified_ns = nanoseconds(status.st_mtim);
  return identity;
}

}  // namespace

Result<std::unique_ptr<SourceFile>> LocalSourceFile::from(UniqueFd fd, std::string name,
                                                          std::shared_ptr<ThreadPool> readers) {
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) {
    return Error{Errc::storage_unavailable,
                 fmt::format("file {} cannot be examined: {}", printable(name), errno_text(errno))};
  }
  if (!S_ISREG(status.st_mode)) {
    const std::string_view kind = S_ISDIR(status.st_mode) ? "a directory" : "not a regular file";
    return Error{Errc::source_not_found, fmt::format("{} is {}", printable(name), kind)};
  }
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return std::unique_ptr<SourceFile>(
      new LocalSourceFile(std::move(fd), std::move(name), identity_of(status), std::move(readers)));
}

Result<> LocalSourceFile::read(std::int64_t offset, std::span<std::uint8_t> buffer) const {
  while (!buffer.empty()) {
    const ssize_t count = ::pread(fd_.get(), buffer.data(), buffer.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return Error{Errc::source_unreadable,
                   fmt::format("file {} at byte {}: {}", printable(name_), offset, errno_text(errno))};
    }
    if (count == 0) {
      return Error{Errc::source_changed, fmt::format("file {} became shorter while it was uploaded", printable(name_))};
    }
    buffer = buffer.subspan(static_cast<std::size_t>(count));
    offset += count;
  }
  return {};
}

void LocalSourceFile::read_async(std::int64_t offset, std::span<std::uint8_t> buffer,
                                 std::function<void(Result<>)> done) const {
  const auto shared_done = std::make_shared<std::function<void(Result<>)>>(std::move(done));
  const bool taken = readers_->post([this, offset, buffer, shared_done] { (*shared_done)(read(offset, buffer)); });
  if (!taken) {
    (*shared_done)(
        Error{Errc::source_unreadable, fmt::format("file {}: its storage does not keep up", printable(name_))});
  }
}

Result<std::size_t> LocalSourceFile::read_cached(std::int64_t offset, std::span<std::uint8_t> buffer) const {
  iovec vector{buffer.data(), buffer.size()};
  const ssize_t count = ::preadv2(fd_.get(), &vector, 1, offset, RWF_NOWAIT);
  if (count > 0) return static_cast<std::size_t>(count);
  if (count == 0) {
    return Error{Errc::source_changed, fmt::format("file {} became shorter while it was uploaded", printable(name_))};
  }
  // Not in memory, or a file system that cannot tell: read_async() will do.
  if (errno == EAGAIN || errno == EOPNOTSUPP || errno == EINVAL || errno == EINTR || errno == ENOSYS) {
    return std::size_t{0};
  }
  return Error{Errc::source_unreadable,
               fmt::format("file {} at byte {}: {}", printable(name_), offset, errno_text(errno))};
}

Result<> LocalSourceFile::check_unchanged() const {
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0) {
    return Error{Errc::source_unreadable, fmt::format("file {}: {}", printable(name_), errno_text(errno))};
  }
  const SourceIdentity now = identity_of(status);
  if (now == identity_) return {};
  // Deleted while open: the bytes stay as they are until we close the file.
  const bool same_bytes = now.size == identity_.size && now.modified_ns == identity_.modified_ns;
  if (status.st_nlink == 0 && same_bytes) return {};
  if (now.size != identity_.size) {
    return Error{Errc::source_changed, fmt::format("file {} changed while it was uploaded: it had {} bytes and has {}",
                                                   printable(name_), identity_.size, now.size)};
  }
  // A change of name or links moves ctime alone; so does writing with the old mtime put back, so neither passes.
  return Error{Errc::source_changed, fmt::format("file {} was written to while it was uploaded", printable(name_))};
}

}  // namespace vodlift::storage
