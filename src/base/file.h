// File descriptors with an owner, and small whole files.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace vodlift {

// Owns one file descriptor; closes it. Movable, one thread at a time.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  void reset() noexcept;
  // Gives it up unclosed: the caller closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// What errno says, for a message: "No such file or directory (ENOENT)".
std::string errno_text(int error_number);

// The whole file, at most `max_bytes`. Errors: not_found, io_error (also when larger).
Result<std::string> read_small_file(const std::filesystem::path& path, std::size_t max_bytes);

// Standard input to its end, at most `max_bytes`. Errors: io_error.
Result<std::string> read_standard_input(std::size_t max_bytes);

// Creates `path` with mode 0600 and these bytes, synced with its directory: whole, or not at all. A crash may leave a
// file named `path` and six characters more. Errors: already_exists, io_error.
Result<> create_private_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace vodlift
