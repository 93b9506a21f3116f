// A disk without room while the file named by FULL_DISK exists: nothing is written to files whose paths begin with
// FULL_DISK_FILES. Loaded before the C library (LD_PRELOAD).
#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

bool has_no_room(int fd) {
  const char* files = std::getenv("FULL_DISK_FILES");
  const char* switch_file = std::getenv("FULL_DISK");
  if (files == nullptr || switch_file == nullptr || ::access(switch_file, F_OK) != 0) return false;
  std::array<char, 64> link{};
  std::snprintf(link.data(), link.size(), "/proc/self/fd/%d", fd);
  std::array<char, 4096> path{};
  const ssize_t length = ::readlink(link.data(), path.data(), path.size());
  return length > 0 && std::string_view(path.data(), static_cast<std::size_t>(length)).starts_with(files);
}

ssize_t write_or_fail(const char* name, int fd, const void* buffer, size_t count, off_t offset) {
  if (has_no_room(fd)) {
    errno = ENOSPC;
    return -1;
  }
  const auto real = reinterpret_cast<ssize_t (*)(int, const void*, size_t, off_t)>(dlsym(RTLD_NEXT, name));
  return real(fd, buffer, count, offset);
}

}  // namespace

extern "C" ssize_t pwrite(int fd, const void* buffer, size_t count, off_t offset) {
  return write_or_fail("pwrite", fd, buffer, count, offset);
}
extern "C" ssize_t pwrite64(int fd, const void* buffer, size_t count, off_t offset) {
  return write_or_fail("pwrite64", fd, buffer, count, offset);
}
