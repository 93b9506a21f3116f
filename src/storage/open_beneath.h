// The one way into a storage's tree.
#pragma once

#include <string>

#include "base/file.h"

namespace vodlift::storage {

// openat2() that can neither leave `root` nor pass a symbolic link, however the tree changes meanwhile; nor, unless
// `cross_mounts`, enter what is mounted beneath. `path` is relative and not empty. Closed on exec. Invalid on failure,
// with errno as openat2(2) has it: ELOOP for a link, EXDEV for a way out or a mount.
// With `cached_only` EAGAIN where a name on the way does not lie in memory.
UniqueFd open_beneath(int root, const std::string& path, int flags, bool cross_mounts, bool cached_only = false);

}  // namespace vodlift::storage
