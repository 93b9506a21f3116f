#include "app/file_watch.h"

#include <sys/stat.h>

#include <utility>

namespace vodlift::app {

bool FileWatch::changed() {
  auto now = look();
  const bool differ = now != seen_;
  seen_ = std::move(now);
  return differ;
}

std::vector<FileWatch::Mark> FileWatch::look() const {
  std::vector<Mark> marks;
  for (const auto& file : files_) {
    struct stat found {};
    const bool there = ::stat(file.c_str(), &found) == 0;
    marks.push_back(there ? Mark{static_cast<std::int64_t>(found.st_ino), found.st_size, found.st_mtim.tv_sec,
                                 found.st_mtim.tv_nsec, found.st_ctim.tv_sec, found.st_ctim.tv_nsec}
                          : Mark{});
  }
  return marks;
}

}  // namespace vodlift::app
