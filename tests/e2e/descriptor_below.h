// For libraries that stand before the C library in a test: which calls are theirs.
#pragma once

#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

// Whether the open file or folder lies below the path that the environment's `variable` names; false where it names
// none.
inline bool descriptor_below(const char* variable, int fd) {
  const char* root = std::getenv(variable);
  if (root == nullptr) return false;
  std::array<char, 64> link{};
  std::snprintf(link.data(), link.size(), "/proc/self/fd/%d", fd);
  std::array<char, 4096> path{};
  const ssize_t length = ::readlink(link.data(), path.data(), path.size());
  return length > 0 && std::string_view(path.data(), static_cast<std::size_t>(length)).starts_with(root);
}
