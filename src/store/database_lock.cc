#include "store/database_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "base/encoding.h"

namespace vodlift::store {
namespace {

Error held_by_another(int fd, const std::filesystem::path& database, const std::filesystem::path& lock) {
  char holder[32] = {};
  const ssize_t count = ::pread(fd, holder, sizeof holder - 1, 0);
  std::string who(holder, count > 0 ? static_cast<std::size_t>(count) : 0);
  while (!who.empty() && who.back() == '\n') who.pop_back();
  return {Errc::locked,
          fmt::format(
              "{} is in use by {} (it holds {}): stop that vodlift first, or give this one another place in [store]",
              database.string(), who.empty() ? "another process" : "process " + printable(who), lock.string())};
}

}  // namespace

Result<DatabaseLock> DatabaseLock::take(const std::filesystem::path& database) {
  auto lock = database;
  lock += ".lock";
  UniqueFd fd(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) {
    return Error{Errc::io_error, fmt::format("cannot open the lock file {}: {}", lock.string(), errno_text(errno))};
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return held_by_another(fd.get(), database, lock);
    return Error{Errc::io_error, fmt::format("cannot lock {}: {}", lock.string(), errno_text(errno))};
  }
  // Only for the message above; a full disk must not keep us from starting.
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd.get(), 0) == 0) [[maybe_unused]]
    const ssize_t written = ::pwrite(fd.get(), pid.data(), pid.size(), 0);
  return DatabaseLock(std::move(fd));
}

Result<> DatabaseLock::hold_file(const std::filesystem::path& database) {
  UniqueFd file(::open(database.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.valid()) {
    return Error{Errc::io_error, fmt::format("cannot open {}: {}", database.string(), errno_text(errno))};
  }
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return Error{Errc::io_error, fmt::format("cannot lock {}: {}", database.string(), errno_text(errno))};
    }
    return Error{Errc::locked,
                 fmt::format("{} is another name of a database that a running vodlift uses: stop that one "
                             "first, or give this one another [store] path",
                             database.string())};
  }
  file_ = std::move(file);
  return {};
}

}  // namespace vodlift::store
