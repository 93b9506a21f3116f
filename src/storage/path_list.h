// Very many sorted paths in little memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vodlift::storage {

// Keeps of each path what differs from the one before. One thread while it grows; immutable after close().
class PathList {
 public:
  // `path` has 65,535 bytes at most. In any order; small only for one that puts alike paths together.
  void add(std::string_view path);
  // Gives back memory that growing has reserved.
  void close();

  [[nodiscard]] std::size_t size() const { return size_; }
  // What it takes in memory, about.
  [[nodiscard]] std::size_t bytes() const { return text_.capacity() + blocks_.capacity() * sizeof blocks_[0]; }
  // At most `count` of them, from number `first`; nothing from size() on. Costs the same wherever `first` is.
  [[nodiscard]] std::vector<std::string> slice(std::size_t first, std::size_t count) const;

 private:
  std::string text_;                 // for each: bytes shared with the one before, bytes of its own, those bytes
  std::vector<std::size_t> blocks_;  // where every kBlock-th begins, which shares nothing
  std::string last_;
  std::size_t size_ = 0;
};

}  // namespace vodlift::storage
