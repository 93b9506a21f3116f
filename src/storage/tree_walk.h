// One walk through a folder and all beneath it.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "storage/path_list.h"

namespace vodlift::storage {

// What one walk may take; at the first that is reached it ends, and says so.
struct WalkLimits {
  std::size_t entries = 2'500'000;                            // of folders, whatever they are
  std::chrono::milliseconds time{8000};                       // looked at between entries
  std::size_t list_bytes = std::size_t{24} * 1024 * 1024;     // of the paths found, as PathList keeps them
  std::size_t pending_bytes = std::size_t{96} * 1024 * 1024;  // of names on the way that are not dealt with yet
};

struct WalkSource {
  int root = -1;                  // of the storage
  std::string folder;             // beneath it, "jb/films"
  std::size_t outside_bytes = 0;  // what a file's path has before `folder`, for the limit of the whole
  bool cross_mounts = false;
};

struct Walk {
  PathList files;            // relative to the folder, by the bytes of the path
  std::int64_t skipped = 0;  // see FileList
  bool complete = true;
};

// Regular files for which `wanted(name, path relative to the folder)` holds, in the order of their paths' bytes.
// Follows no link. Blocks for the disk; ends early when `stop` turns true. What appears or goes meanwhile may be in it
// or not. A walk that reached a limit has the paths up to that point, and of the folder it was in those it had read.
// Errors: not_found (no such folder), source_not_found (it is a link, no folder, or may not be read), io_error.
Result<Walk> walk_tree(const WalkSource& source, const WalkLimits& limits,
                       const std::function<bool(std::string_view name, std::string_view path)>& wanted,
                       const std::atomic<bool>& stop);

}  // namespace vodlift::storage
