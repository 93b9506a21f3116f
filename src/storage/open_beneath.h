// The one way into a storage's tree.
#pragma once

#include <string>

#include "base/file.h"

namespace vodlift::storage {

// openat2() that can neither leave `root` nor pass a symbolic link, however the tree changes during the call. It enters
// file systems that are mounted beneath only with `cross_mounts`. `path` is relative and not empty. The file is closed
// on exec. On failure the result is invalid and errno is that of openat2(2): ELOOP for a link, EXDEV for a way out or a
// mount. With `cached_only` it is EAGAIN where a name on the way does not lie in memory.
UniqueFd open_beneath(int root, const std::string& path, int flags, bool cross_mounts, bool cached_only = false);

}  // namespace vodlift::storage
