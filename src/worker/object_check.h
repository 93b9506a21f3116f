// Whether what the store says of an object or part agrees with what was read from the file.
#pragma once

#include <vector>

#include "core/object_store.h"

namespace vodlift::worker {

// How a whole object, just stored and already confirmed by the ObjectStore, was verified.
Verification verification_of(const StoredBytes& stored, const RangeChecksum& checksum);

// Whether the store told a digest of the bytes: a CRC32C, or an ETag that is their MD5. Where it did not, all that
// speaks for them is that it took their Content-MD5, which counts for something only if it refuses a wrong one.
bool told_digest(std::string_view etag, std::string_view checksum, std::string_view md5);

// True when the store's CRC32C, or else its MD5 ETag, is that of the bytes.
bool part_matches(const ListedPart& listed, const RangeChecksum& checksum);

struct ObjectToCheck {
  const ObjectInfo& object;
  const std::vector<Part>& parts;  // by number
  std::uint32_t crc32c = 0;        // of the whole
  std::int64_t size = 0;
  bool parts_count = false;  // every part was confirmed for itself, by a digest or a Content-MD5 that counts
};

// Compares size and the strongest checksum the store tells: CRC32C of the whole, CRC32C of the parts' CRCs, or MD5 of
// the parts' MD5s. Where it tells none, and the parts do not count either, the answer's checksum is empty: nothing is
// verified. Errors: s3_integrity (it differs).
Result<Verification> check_object(const ObjectToCheck& check);

// Whether the object is encrypted as was asked for; `applied` is the store's word. Errors: s3_rejected.
Result<> check_encrypted(const Encryption& wanted, std::string_view applied);

}  // namespace vodlift::worker
