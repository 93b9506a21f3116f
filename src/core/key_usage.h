// When keys were used last: remembered at once, written to the disk later and many at a time.
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
  // The store must outlive it.
  explicit KeyUsage(AccountDirectory& accounts) : accounts_(accounts) {}

  // The key signed a request that was judged right. Does not block.
  void note(std::int64_t key_id, WallTime when);

  // Writes what was noted since the last time; blocks for the disk. What could not be written is kept for the next
  // time. Errors: store_failed.
  Result<> flush();

 private:
  AccountDirectory& accounts_;
  std::mutex mutex_;
  std::unordered_map<std::int64_t, WallTime> noted_;
};

}  // namespace vodlift
