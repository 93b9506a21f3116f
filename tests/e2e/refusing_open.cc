// A storage whose files cannot be opened for a moment. The file named by REFUSING_FILE holds two numbers: an errno, and
// how many opens beneath REFUSING_ROOT fail with it from then on. Loaded before the C library (LD_PRELOAD).
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <mutex>
#include <sstream>
#include <string>

#include "descriptor_below.h"

namespace {

bool lies_there(int fd) { return descriptor_below("REFUSING_ROOT", fd); }

// 0: the open may go on.
int refusal() {
  static std::mutex mutex;
  static std::string order;
  static int left = 0;
  static int number = 0;
  const std::lock_guard lock(mutex);
  const char* file = std::getenv("REFUSING_FILE");
  if (file == nullptr) return 0;
  std::ifstream in(file);
  std::string now{std::istreambuf_iterator<char>(in), {}};
  if (now != order) {
    order = now;
    left = 0;
    std::istringstream(order) >> number >> left;
  }
  if (left <= 0) return 0;
  --left;
  return number;
}

}  // namespace

extern "C" long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  std::array<long, 6> given{};
  for (long& one : given) one = va_arg(list, long);
  va_end(list);
  using Syscall = long (*)(long, long, long, long, long, long, long);
  static const auto real = reinterpret_cast<Syscall>(dlsym(RTLD_NEXT, "syscall"));
  const auto* how = number == SYS_openat2 ? reinterpret_cast<const open_how*>(given[2]) : nullptr;
  const bool of_file = how != nullptr && (how->flags & O_PATH) == 0 && lies_there(static_cast<int>(given[0]));
  if (of_file) {
    if ((how->resolve & RESOLVE_CACHED) != 0) {
      errno = EAGAIN;
      return -1;
    }
    if (const int refused = refusal(); refused != 0) {
      errno = refused;
      return -1;
    }
  }
  return real(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}
