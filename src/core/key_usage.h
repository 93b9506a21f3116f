// When each key was last used: noted in memory at once, written to the disk later, many at a time.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "base/clock.h"
#include "core/account_directory.h"

namespace vodlift {

// Internally locked. Holds one time for each key that was used since the last flush().
class KeyUsage {
 public:
  // The directory must outlive it.
  explicit KeyUsage(AccountDirectory& accounts) : accounts_(accounts) {}

  // A request with a valid signature of this key was received at `when`. Does not block.
  void note(std::int64_t key_id, WallTime when);

  // Writes what was noted since the last flush. Blocks for the disk. After a failure the next flush writes the same
  // again. Errors: store_failed.
  Result<> flush();

 private:
  AccountDirectory& accounts_;
  std::mutex mutex_;
  std::unordered_map<std::int64_t, WallTime> noted_;
};

}  // namespace vodlift
