// A reserve of disk space beside the database, given up when the disk is full: a checkpoint needs a little room, and
// makes the log's room usable again.
#pragma once

#include <cstdint>
#include <filesystem>

namespace vodlift::store {

// One thread at a time.
class Ballast {
 public:
  static constexpr std::int64_t kBytes = std::int64_t{1024} * 1024;
  // It is made only where this much is free; again, after it was given up, with this much.
  static constexpr std::int64_t kFreeToMakeIt = 16 * kBytes;
  static constexpr std::int64_t kFreeToMakeItAgain = 2 * kBytes;

  explicit Ballast(const std::filesystem::path& database) : file_(database.string() + ".ballast") {}

  // Makes it where it is missing and the disk has room; does nothing otherwise.
  void keep();
  // Gives its room to what runs already. False where it was given up before.
  bool release();
  // Whether it was given up and the disk has no room yet to make it again: nothing new should be taken then.
  bool is_given_up();
  // What the disk has left for this user; nothing is known: the largest number. Any thread.
  [[nodiscard]] std::int64_t free_bytes() const;

 private:
  void make();

  std::filesystem::path file_;
  bool kept_ = false;
  bool given_up_ = false;
};

}  // namespace vodlift::store
