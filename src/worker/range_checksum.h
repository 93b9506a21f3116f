// The checksum pass over a range of the source.
#pragma once

#include "core/object_store.h"

namespace vodlift::worker {

// The CRC32C of `bytes` and, where `with_md5`, their MD5.
RangeChecksum checksum_of(std::span<const std::uint8_t> bytes, bool with_md5);

// Reads `size` bytes from `offset`, blocking for the disk, and answers their CRC32C and, where `with_md5`, their MD5.
// The pages it read stay in the page cache, from where the transfer takes them a moment later. Errors as
// SourceFile::read().
Result<RangeChecksum> checksum_range(const SourceFile& source, std::int64_t offset, std::int64_t size, bool with_md5);

}  // namespace vodlift::worker
