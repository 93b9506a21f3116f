// Verification by reading: for stores that do not confirm what they hold in any other way.
#pragma once

#include <cstdint>
#include <string>

#include "core/object_store.h"
#include "worker/run_control.h"

namespace vodlift::worker {

struct ObjectToRead {
  const ObjectTarget& target;
  const std::string& token;  // marks the upload whose object it has to be
  std::uint32_t crc32c = 0;  // that it has to have
  std::int64_t size = 0;
};

// Reads the whole object from the store, blocking, kReadBackBytes at a time, and compares it. Its checksum is told as
// "read-back-crc32c:…". Errors: s3_integrity (other bytes are there), s3_unverifiable (the object is another one by
// now), and those of ObjectStore::read().
Result<Verification> read_back(ObjectStore& objects, const ObjectToRead& object, RunControl& control);

inline constexpr std::int64_t kReadBackBytes = std::int64_t{8} * 1024 * 1024;

}  // namespace vodlift::worker
