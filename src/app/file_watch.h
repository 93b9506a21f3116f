// Notices that files were written or replaced.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace vodlift::app {

// Looks at size, inode and times; reads nothing. A file that is missing is one that differs when it comes. One thread.
class FileWatch {
 public:
  explicit FileWatch(std::vector<std::filesystem::path> files) : files_(std::move(files)), seen_(look()) {}

  // Whether one of them differs from what it was at the last call, or at first at the construction.
  bool changed();

 private:
  using Mark = std::array<std::int64_t, 6>;

  [[nodiscard]] std::vector<Mark> look() const;

  const std::vector<std::filesystem::path> files_;
  std::vector<Mark> seen_;
};

}  // namespace vodlift::app
