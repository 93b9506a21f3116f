#include "storage/open_beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace vodlift::storage {
namespace {

constexpr int kRaceTries = 3;

}  // namespace

// EAGAIN means the tree was renamed while the kernel walked it: the kernel cannot vouch for the result, so it is asked
// again.
UniqueFd open_beneath(int root, const std::string& path, int flags, bool cross_mounts, bool cached_only) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  if (!cross_mounts) how.resolve |= RESOLVE_NO_XDEV;
  if (cached_only) how.resolve |= RESOLVE_CACHED;
  long fd = -1;
  for (int i = 0; i < kRaceTries; ++i) {
    fd = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || cached_only) break;
  }
  return UniqueFd(static_cast<int>(fd));
}

}  // namespace vodlift::storage
