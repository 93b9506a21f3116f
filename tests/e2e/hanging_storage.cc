// A storage that does not answer while the file named by HANGING_SWITCH exists: calls about what lies in the folder
// HANGING_ROOT wait, and reads and the closing of files too, as on a network file system whose server is gone and whose
// pages are not in memory; it says that it is one (NFS). As there, fstat() tells of an open file what it told at first.
// With HANGING_READS_ONLY set, HANGING_ROOT is the beginning of files' paths, and only reading them hangs, as that of
// files that a tape robot has to fetch. Loaded before the C library (LD_PRELOAD).
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <map>
#include <mutex>

#include "descriptor_below.h"

namespace {

bool lies_there(int fd) { return descriptor_below("HANGING_ROOT", fd); }

bool hangs(int fd) {
  const char* switch_file = std::getenv("HANGING_SWITCH");
  return switch_file != nullptr && ::access(switch_file, F_OK) == 0 && lies_there(fd);
}

bool only_reads() { return std::getenv("HANGING_READS_ONLY") != nullptr; }

void wait_for_an_answer(int fd) {
  if (only_reads()) return;
  while (hangs(fd)) ::usleep(5000);
}

std::mutex told_mutex;
std::map<int, struct stat>& told() {
  static std::map<int, struct stat> by_descriptor;
  return by_descriptor;
}

struct stat told_at_first(int fd, const struct stat& now) {
  const std::lock_guard lock(told_mutex);
  return told().try_emplace(fd, now).first->second;
}

void forget(int fd) {
  const std::lock_guard lock(told_mutex);
  told().erase(fd);
}

using Syscall = long (*)(long, long, long, long, long, long, long);
using Statvfs = int (*)(int, struct statvfs*);

template <class Call>
Call real(const char* name) {
  return reinterpret_cast<Call>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  std::array<long, 6> given{};
  for (long& one : given) one = va_arg(list, long);
  va_end(list);
  static const auto real_call = real<Syscall>("syscall");
  const int fd = static_cast<int>(given[0]);
  if (number == SYS_openat2 && hangs(fd)) {
    const auto* how = reinterpret_cast<const open_how*>(given[2]);
    if ((how->resolve & RESOLVE_CACHED) != 0) {
      errno = EAGAIN;
      return -1;
    }
    wait_for_an_answer(fd);
  }
  return real_call(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

extern "C" int fstatvfs(int fd, struct statvfs* out) noexcept {
  wait_for_an_answer(fd);
  return real<Statvfs>("fstatvfs")(fd, out);
}

extern "C" int fstatfs(int fd, struct statfs* out) noexcept {
  const int done = real<int (*)(int, struct statfs*)>("fstatfs")(fd, out);
  if (!only_reads() && lies_there(fd)) out->f_type = NFS_SUPER_MAGIC;
  return done;
}

extern "C" int fstat(int fd, struct stat* out) noexcept {
  wait_for_an_answer(fd);
  const int done = real<int (*)(int, struct stat*)>("fstat")(fd, out);
  if (done == 0 && !only_reads() && lies_there(fd)) *out = told_at_first(fd, *out);
  return done;
}

// Asked of the server, where fstat() is answered from memory.
extern "C" int statx(int fd, const char* path, int flags, unsigned mask, struct statx* out) noexcept {
  wait_for_an_answer(fd);
  return real<int (*)(int, const char*, int, unsigned, struct statx*)>("statx")(fd, path, flags, mask, out);
}

extern "C" int close(int fd) {
  static const auto real_close = real<int (*)(int)>("close");
  struct statx status {};
  const bool is_file = !only_reads() && hangs(fd) &&
                       real<int (*)(int, const char*, int, unsigned, struct statx*)>("statx")(
                           fd, "", AT_EMPTY_PATH, STATX_TYPE, &status) == 0 &&
                       S_ISREG(status.stx_mode);
  if (is_file) wait_for_an_answer(fd);
  forget(fd);
  return real_close(fd);
}

extern "C" ssize_t pread(int fd, void* buffer, size_t count, off_t offset) {
  while (hangs(fd)) ::usleep(5000);
  return real<ssize_t (*)(int, void*, size_t, off_t)>("pread")(fd, buffer, count, offset);
}

// Only ever asked not to wait.
extern "C" ssize_t preadv2(int fd, const iovec* vectors, int count, off_t offset, int flags) {
  if (lies_there(fd)) {
    errno = EOPNOTSUPP;
    return -1;
  }
  return real<ssize_t (*)(int, const iovec*, int, off_t, int)>("preadv2")(fd, vectors, count, offset, flags);
}
