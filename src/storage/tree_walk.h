// One walk through a folder and all beneath it, and the paths that it found.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/storage.h"

namespace vodlift::storage {

// Very many sorted paths in little memory: of each path it keeps what differs from the one before. One thread while it
// grows; immutable after close().
class PathList {
 public:
  // `path` has 65,535 bytes at most. Any order will do, but memory is saved only where similar paths come together.
  void add(std::string_view path);
  // Gives back memory that growing has reserved.
  void close();

  [[nodiscard]] std::size_t size() const { return size_; }
  // Roughly the bytes of memory that the list takes.
  [[nodiscard]] std::size_t bytes() const { return text_.capacity() + blocks_.capacity() * sizeof blocks_[0]; }
  // At most `count` paths, beginning with number `first`; none from size() on. The cost does not depend on `first`.
  [[nodiscard]] std::vector<std::string> slice(std::size_t first, std::size_t count) const;

 private:
  std::string text_;                 // for each path: bytes shared with the one before, bytes of its own, those bytes
  std::vector<std::size_t> blocks_;  // where every kBlock-th begins, which shares nothing
  std::string last_;
  std::size_t size_ = 0;
};

// What one walk may take. It ends at the first limit that is reached, and reports that in Walk::complete.
struct WalkLimits {
  std::size_t entries = 2'500'000;                            // of folders, of any kind
  std::chrono::milliseconds time{8000};                       // looked at between entries
  std::size_t list_bytes = std::size_t{24} * 1024 * 1024;     // of the paths found, as PathList keeps them
  std::size_t pending_bytes = std::size_t{96} * 1024 * 1024;  // of names that were read and are still to be visited
};

struct WalkSource {
  int root = -1;                  // of the storage
  std::string folder;             // beneath it, "jb/films"
  std::size_t outside_bytes = 0;  // what a file's path has before `folder`, for the limit of the whole
  bool cross_mounts = false;
  ListDepth depth = ListDepth::below;
};

struct Walk {
  PathList files;            // relative to the folder, by the bytes of the path; folders first, with a slash at the end
  std::int64_t skipped = 0;  // see FileList
  bool complete = true;
};

// Regular files for which `wanted(name, path relative to the folder)` holds, in the order of their paths' bytes. With
// ListDepth::entries all folders come before them.
// Follows no link. Blocks for the disk; ends early when `stop` turns true. Files that appear or vanish during the walk
// may be missing or not. A walk that reached a limit has the paths up to that point. Errors: not_found (no such
// folder), source_not_found (it is a link, no folder, or may not be read), io_error.
Result<Walk> walk_tree(const WalkSource& source, const WalkLimits& limits,
                       const std::function<bool(std::string_view name, std::string_view path)>& wanted,
                       const std::atomic<bool>& stop);

}  // namespace vodlift::storage
