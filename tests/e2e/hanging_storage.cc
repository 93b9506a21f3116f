// A storage that does not answer while the file named by HANGING_SWITCH exists: calls about what lies in the folder
// HANGING_ROOT wait, as on a network file system whose server is gone. Loaded before the C library (LD_PRELOAD).
#include <dlfcn.h>
#include <linux/openat2.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

bool hangs(int fd) {
  const char* root = std::getenv("HANGING_ROOT");
  const char* switch_file = std::getenv("HANGING_SWITCH");
  if (root == nullptr || switch_file == nullptr || ::access(switch_file, F_OK) != 0) return false;
  std::array<char, 64> link{};
  std::snprintf(link.data(), link.size(), "/proc/self/fd/%d", fd);
  std::array<char, 4096> path{};
  const ssize_t length = ::readlink(link.data(), path.data(), path.size());
  return length > 0 && std::string_view(path.data(), static_cast<std::size_t>(length)).starts_with(root);
}

void wait_for_an_answer(int fd) {
  while (hangs(fd)) ::usleep(5000);
}

using Syscall = long (*)(long, long, long, long, long, long, long);
using Statvfs = int (*)(int, struct statvfs*);

}  // namespace

extern "C" long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  std::array<long, 6> given{};
  for (long& one : given) one = va_arg(list, long);
  va_end(list);
  static const auto real = reinterpret_cast<Syscall>(dlsym(RTLD_NEXT, "syscall"));
  const int fd = static_cast<int>(given[0]);
  if (number == SYS_openat2 && hangs(fd)) {
    const auto* how = reinterpret_cast<const open_how*>(given[2]);
    if ((how->resolve & RESOLVE_CACHED) != 0) {
      errno = EAGAIN;
      return -1;
    }
    wait_for_an_answer(fd);
  }
  return real(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

extern "C" int fstatvfs(int fd, struct statvfs* out) noexcept {
  wait_for_an_answer(fd);
  return reinterpret_cast<Statvfs>(dlsym(RTLD_NEXT, "fstatvfs"))(fd, out);
}
