// A disk whose syncs fail while the file named by FAILING_SYNC exists: loaded before the C library (LD_PRELOAD).
#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace {

using Sync = int (*)(int);

int sync_or_fail(const char* name, int fd) {
  const char* switch_file = std::getenv("FAILING_SYNC");
  if (switch_file != nullptr && ::access(switch_file, F_OK) == 0) {
    errno = EIO;
    return -1;
  }
  return reinterpret_cast<Sync>(dlsym(RTLD_NEXT, name))(fd);
}

}  // namespace

extern "C" int fsync(int fd) { return sync_or_fail("fsync", fd); }
extern "C" int fdatasync(int fd) { return sync_or_fail("fdatasync", fd); }
