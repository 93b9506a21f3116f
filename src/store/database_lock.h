// One process at a time: a lock file beside the database.
#pragma once

#include <filesystem>

#include "base/error.h"
#include "base/file.h"

namespace vodlift::store {

// Holds `PATH.lock` until it goes. The kernel drops the lock when the process dies, however it dies; the file itself
// stays, so that nobody can lock a file that another has just removed.
class DatabaseLock {
 public:
  // Errors: locked (the message says which process holds it), io_error.
  static Result<DatabaseLock> take(const std::filesystem::path& database);

 private:
  explicit DatabaseLock(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace vodlift::store
