// A disk that cannot be read from some place on, while the file named by FAILING_SWITCH exists: what lies beneath
// FAILING_ROOT, from byte FAILING_FROM on, gives EIO. Loaded before the C library (LD_PRELOAD).
#include <dlfcn.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "descriptor_below.h"

namespace {

bool fails(int fd, off_t end) {
  const char* from = std::getenv("FAILING_FROM");
  const char* switch_file = std::getenv("FAILING_SWITCH");
  if (from == nullptr || switch_file == nullptr || end <= std::atoll(from)) return false;
  return ::access(switch_file, F_OK) == 0 && descriptor_below("FAILING_ROOT", fd);
}

}  // namespace

extern "C" ssize_t pread(int fd, void* buffer, size_t count, off_t offset) {
  if (fails(fd, offset + static_cast<off_t>(count))) {
    errno = EIO;
    return -1;
  }
  static const auto real = reinterpret_cast<ssize_t (*)(int, void*, size_t, off_t)>(dlsym(RTLD_NEXT, "pread"));
  return real(fd, buffer, count, offset);
}

extern "C" ssize_t pread64(int fd, void* buffer, size_t count, off64_t offset) {
  return pread(fd, buffer, count, offset);  // the same function on 64-bit Linux
}

extern "C" ssize_t preadv2(int fd, const iovec* vectors, int count, off_t offset, int flags) {
  size_t bytes = 0;
  for (int i = 0; i < count; ++i) bytes += vectors[i].iov_len;
  if (fails(fd, offset + static_cast<off_t>(bytes))) {
    errno = EIO;
    return -1;
  }
  static const auto real =
      reinterpret_cast<ssize_t (*)(int, const iovec*, int, off_t, int)>(dlsym(RTLD_NEXT, "preadv2"));
  return real(fd, vectors, count, offset, flags);
}
