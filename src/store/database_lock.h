// One process at a time: a lock file beside the database, and a lock on the file itself.
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

  // Locks the database file too, which must exist: a symbolic or hard link to it has a lock file of its own. To be
  // called before SQLite opens the file, and to be let go after SQLite has closed it (closing any descriptor of a file
  // drops SQLite's own locks on it). Errors: locked, io_error.
  Result<> hold_file(const std::filesystem::path& database);

 private:
  explicit DatabaseLock(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
  UniqueFd file_;
};

}  // namespace vodlift::store
