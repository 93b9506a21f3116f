#include "storage/local_source_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <limits>

#include "base/encoding.h"
#include "base/until_memory.h"

namespace vodlift::storage {
namespace {

constexpr off_t kUsualReadAheadBytes = off_t{128} * 1024;

// File systems keep times that an int64 of nanoseconds (1677 to 2262) cannot hold.
std::int64_t nanoseconds_of(std::int64_t seconds, std::int64_t nanoseconds) {
  constexpr std::int64_t kPerSecond = 1'000'000'000;
  using Limits = std::numeric_limits<std::int64_t>;
  if (seconds >= Limits::max() / kPerSecond) return Limits::max();
  if (seconds <= Limits::min() / kPerSecond) return Limits::min();
  return seconds * kPerSecond + nanoseconds;
}

SourceIdentity identity_of(const struct stat& status) {
  const auto nanoseconds = [](const timespec& time) { return nanoseconds_of(time.tv_sec, time.tv_nsec); };
  SourceIdentity identity;
  identity.device = status.st_dev;
  identity.inode = status.st_ino;
  identity.size = status.st_size;
  identity.change_ns = nanoseconds(status.st_ctim);
  identity.modified_ns = nanoseconds(status.st_mtim);
  return identity;
}

SourceIdentity identity_of(const struct statx& status) {
  const auto nanoseconds = [](const statx_timestamp& time) { return nanoseconds_of(time.tv_sec, time.tv_nsec); };
  SourceIdentity identity;
  identity.device = makedev(status.stx_dev_major, status.stx_dev_minor);
  identity.inode = status.stx_ino;
  identity.size = static_cast<std::int64_t>(status.stx_size);
  identity.change_ns = nanoseconds(status.stx_ctime);
  identity.modified_ns = nanoseconds(status.stx_mtime);
  return identity;
}

// Errors: source_unreadable.
Result<> look_at(int fd, const std::string& name, FileSystem where, SourceIdentity& now) {
  bool done = false;
  if (where != FileSystem::remote) {
    struct stat status {};
    done = ::fstat(fd, &status) == 0;
    now = identity_of(status);
  } else {
    // A client of a network file system answers fstat() from memory, with what its server said up to a minute ago.
    struct statx status {};
    done = ::statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &status) == 0;
    now = identity_of(status);
  }
  if (done) return {};
  return Error{Errc::source_unreadable, fmt::format("file {}: {}", printable(name), errno_text(errno))};
}

Error became_shorter(const std::string& name) {
  return {Errc::source_changed, fmt::format("file {} became shorter while it was uploaded", printable(name))};
}

}  // namespace

FileSystem file_system_of(int fd) {
  constexpr std::array<unsigned long, 5> kDisks = {0xEF53,      // ext2, ext3, ext4
                                                   0x58465342,  // XFS
                                                   0x9123683E,  // Btrfs
                                                   0x2FC12FC1,  // ZFS
                                                   0xF2F52010};
  struct statfs fs {};
  if (::fstatfs(fd, &fs) != 0) return FileSystem::remote;
  const auto type = static_cast<unsigned long>(fs.f_type);
  if (type == 0x794C7630) return FileSystem::overlay;
  if (type == 0x01021994 || type == 0x858458f6) return FileSystem::memory;  // tmpfs, ramfs
  return std::ranges::find(kDisks, type) != kDisks.end() ? FileSystem::disk : FileSystem::remote;
}

Result<std::unique_ptr<SourceFile>> LocalSourceFile::from(UniqueFd fd, std::string name,
                                                          std::shared_ptr<TimedCalls> reads, FileSystem where) {
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) {
    return Error{Errc::storage_unavailable,
                 fmt::format("file {} cannot be examined: {}", printable(name), errno_text(errno))};
  }
  if (!S_ISREG(status.st_mode)) {
    const std::string_view kind = S_ISDIR(status.st_mode) ? "a directory" : "not a regular file";
    return Error{Errc::source_not_found, fmt::format("{} is {}", printable(name), kind)};
  }
  // The kernel reads smaller files ahead without being asked.
  if (status.st_size > kUsualReadAheadBytes) ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  std::shared_ptr<const Open> open;
  if (where != FileSystem::remote) {
    open = std::make_shared<const Open>(Open{std::move(fd), std::move(name)});
  } else {
    open = {new Open{std::move(fd), std::move(name)}, CloseElsewhere{reads}};
  }
  return std::unique_ptr<SourceFile>(
      new LocalSourceFile(std::move(open), identity_of(status), std::move(reads), where));
}

// On some network file systems close() asks the server, and waits for the answer without end.
void LocalSourceFile::CloseElsewhere::operator()(const Open* open) const {
  const auto there = reads.lock();
  if (there == nullptr) {  // its storage is gone, and with it the threads that could hang
    delete open;
    return;
  }
  // While the storage hangs the file stays open. That is better than to wait.
  until_memory([&] { there->run_at_any_time([open] { delete open; }); });
}

Result<> LocalSourceFile::read_waiting(const Open& open, std::int64_t offset, std::span<std::uint8_t> buffer) {
  while (!buffer.empty()) {
    const ssize_t count = ::pread(open.fd.get(), buffer.data(), buffer.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return Error{Errc::source_unreadable,
                   fmt::format("file {} at byte {}: {}", printable(open.name), offset, errno_text(errno))};
    }
    if (count == 0) return became_shorter(open.name);
    buffer = buffer.subspan(static_cast<std::size_t>(count));
    offset += count;
  }
  return {};
}

// The file, by whichever name it was opened.
Subject LocalSourceFile::subject() const {
  const std::size_t file = std::hash<std::uint64_t>{}(identity_.inode * 31 + identity_.device);
  return std::max<std::size_t>(file, 1);
}

Error LocalSourceFile::no_answer() const {
  return {Errc::storage_unavailable,
          fmt::format("file {} cannot be read now: its storage does not answer", printable(open_->name))};
}

void LocalSourceFile::read_async(std::int64_t offset, std::span<std::uint8_t> buffer,
                                 std::function<void(Result<>)> done) const {
  // Memory of its own: the caller's may be gone when a read that was given up returns.
  const std::shared_ptr<std::uint8_t[]> bytes = std::make_shared_for_overwrite<std::uint8_t[]>(buffer.size());
  reads_->start<Result<>>(
      subject(),
      [open = open_, offset, bytes, size = buffer.size()] {
        return read_waiting(*open, offset, {bytes.get(), size});
      },
      [this, buffer, bytes, done = std::move(done)](std::optional<Result<>> result) {
        if (!result) return done(no_answer());
        if (*result) std::copy_n(bytes.get(), buffer.size(), buffer.data());
        done(std::move(*result));
      });
}

Result<std::size_t> LocalSourceFile::read_cached(std::int64_t offset, std::span<std::uint8_t> buffer) const {
  iovec vector{buffer.data(), buffer.size()};
  const ssize_t count = ::preadv2(open_->fd.get(), &vector, 1, offset, RWF_NOWAIT);
  if (count > 0) return static_cast<std::size_t>(count);
  if (count == 0) return became_shorter(open_->name);
  // Not in memory, or a file system that does not support the question: the caller has to use read_async().
  if (errno == EAGAIN || errno == EOPNOTSUPP || errno == EINVAL || errno == EINTR || errno == ENOSYS) {
    return std::size_t{0};
  }
  return Error{Errc::source_unreadable,
               fmt::format("file {} at byte {}: {}", printable(open_->name), offset, errno_text(errno))};
}

// A page that was written back is protected again, so that the next store into it comes by the file system.
Result<bool> LocalSourceFile::settle(std::int64_t offset, std::int64_t size) const {
  if (where_ == FileSystem::memory) return false;
  const auto settled = reads_->call<bool>(subject(), [open = open_, where = where_, offset, size] {
    // fdatasync() would have the disk flush its cache even where nothing is to be written.
    constexpr unsigned kAll = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    if (where != FileSystem::overlay) return ::sync_file_range(open->fd.get(), offset, size, kAll) == 0;
    return offset > 0 || ::fdatasync(open->fd.get()) == 0;  // which is for the whole file
  });
  if (!settled) return no_answer();
  return *settled;
}

Result<SourceIdentity> LocalSourceFile::check_unchanged() const {
  // Shared: a call that was given up may still write to it.
  const auto seen = std::make_shared<SourceIdentity>();
  const auto look = [open = open_, where = where_, seen] { return look_at(open->fd.get(), open->name, where, *seen); };
  const auto looked = where_ != FileSystem::remote ? look() : reads_->call<Result<>>(subject(), look);
  if (!looked) return no_answer();
  if (!*looked) return looked->error();
  const SourceIdentity& now = *seen;
  if (now.may_equal(identity_)) return now;
  if (now.size != identity_.size) {
    return Error{Errc::source_changed, fmt::format("file {} changed while it was uploaded: it had {} bytes and has {}",
                                                   printable(open_->name), identity_.size, now.size)};
  }
  return Error{Errc::source_changed,
               fmt::format("file {} was written to while it was uploaded", printable(open_->name))};
}

}  // namespace vodlift::storage
