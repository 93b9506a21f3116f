// Checks of a stored object: whether the store holds the bytes that were read from the file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/object_store.h"
#include "worker/run_control.h"

namespace vodlift::worker {

// How a whole object that the ObjectStore has just stored and confirmed was verified.
Verification verification_of(const StoredBytes& stored, const RangeChecksum& checksum);

// Whether the store reported a digest of the bytes: a CRC32C, or an ETag that is their MD5. Without one, the only
// evidence is that the store accepted the Content-MD5, which proves something only if the store refuses a wrong one.
bool reported_digest(std::string_view etag, std::string_view checksum, std::string_view md5);

// Whether the store's CRC32C or, if it reports none, its ETag as an MD5 is that of the bytes.
bool part_matches(const ListedPart& listed, const RangeChecksum& checksum);

struct ObjectToCheck {
  const ObjectInfo& object;
  const std::vector<Part>& parts;  // by number
  std::uint32_t crc32c = 0;        // of the whole file
  std::int64_t size = 0;           // of the file, bytes
  bool parts_verified = false;     // every part was confirmed by a digest, or by a Content-MD5 that proves something
};

// Compares the size, if the store reports it, and the strongest checksum that it reports: the CRC32C of the whole
// object, the CRC32C of the parts' CRCs, or the MD5 of the parts' MD5s. If the store reports none, verified parts and
// the size do, where its ETags are no MD5s. Otherwise the result's checksum is empty: nothing is verified. Errors:
// s3_integrity (size or checksum differ).
Result<Verification> check_object(const ObjectToCheck& check);

// Whether the object is encrypted as requested; `applied` is what the store reports. Errors: s3_rejected.
Result<> check_encrypted(const Encryption& wanted, std::string_view applied);

struct ObjectToRead {
  const ObjectTarget& target;
  const std::string& token;  // the upload's own, which the object must carry
  std::uint32_t crc32c = 0;  // expected
  std::int64_t size = 0;     // expected, bytes
};

inline constexpr std::int64_t kReadBackBytes = std::int64_t{8} * 1024 * 1024;

// Verifies an object by reading it, for a store that reports no usable digest: reads the whole object, blocking,
// kReadBackBytes at a time, and compares its CRC32C. Goes on where an earlier run of the upload was interrupted. The
// result's checksum is "read-back-crc32c:…". Errors: s3_integrity (the bytes differ), s3_unverifiable (another object
// is at the key now), and those of ObjectStore::read().
Result<Verification> read_back(ObjectStore& objects, const ObjectToRead& object, RunControl& control);

}  // namespace vodlift::worker
