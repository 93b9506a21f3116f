// Checks of a source file: whether it is still being written, and whether its bytes have the expected checksums.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "core/object_store.h"
#include "core/part_plan.h"
#include "core/storage.h"
#include "core/upload_options.h"
#include "worker/run_control.h"

namespace vodlift::worker {

// How a source that is still being written is recognised, and how long an upload waits for it.
struct SourceReadiness {
  std::chrono::milliseconds quiet{0};  // how long a source must be unchanged before it is sent; 0: no check
  std::chrono::milliseconds wait{0};   // how long an upload waits for that, from its first attempt on
};

// Returns when `source` will have been unchanged for long enough, if nobody writes to it again; nothing when that time
// has passed by `now`. A modification time more than `quiet` ahead of `now` comes from another clock or was set on
// purpose. It is ignored: the source counts as unchanged.
std::optional<WallTime> quiet_at(const SourceIdentity& source, const SourceReadiness& readiness, WallTime now);

// Has each later store into the source move its times; true if that can be had. Blocks for the disk, perhaps for as
// long as it takes to write the file. Errors: storage_unavailable, and the control's reason.
Result<bool> settle(const SourceFile& source, RunControl& control);

// Reads the whole source for a digest that cannot be combined from the digests of its parts (MD5, SHA-256). Does
// nothing for CRC32C, which sending yields. Goes on where an earlier run of the upload was interrupted, if the source
// is the same. Blocks for the disk. Errors: source_mismatch, those of SourceFile::read(), and the control's reason.
Result<> check_by_reading(const SourceFile& source, const ExpectedChecksum& expected, RunControl& control);

// Compares `crc`, the CRC32C of the whole source, if `expected` is a CRC32C. Errors: source_mismatch.
Result<> check_crc32c(const ExpectedChecksum& expected, std::uint32_t crc);

// Returns the CRC32C of `bytes` and, if `with_md5`, their MD5.
RangeChecksum checksum_of(std::span<const std::uint8_t> bytes, bool with_md5);

// Reads `size` bytes from `offset`, blocking for the disk, and returns their CRC32C and, if `with_md5`, their MD5. The
// pages stay in the page cache, where the transfer finds them a moment later. Errors as SourceFile::read().
Result<RangeChecksum> checksum_range(const SourceFile& source, std::int64_t offset, std::int64_t size, bool with_md5);

// Whether the bytes of `source` are those of `parts` of this plan, by their checksums. Blocks for the disk. Errors as
// SourceFile::read(), and the control's reason.
Result<bool> has_parts(const SourceFile& source, const PartPlan& plan, const std::vector<Part>& parts,
                       RunControl& control);

// For bytes that differ from what was hashed a moment ago: fails with source_changed if the file was touched in any way
// since it was opened. Blocks and fails as SourceFile::check_unchanged() besides.
Result<> check_untouched(const SourceFile& source);

// Brings `size` bytes from `offset` into the page cache before they are sent, for a transfer without a checksum pass.
// Reads only bytes that are not in the cache; blocks for the disk. The kernel may drop pages again when memory is
// short. Errors as SourceFile::read().
Result<> read_ahead(const SourceFile& source, std::int64_t offset, std::int64_t size);

}  // namespace vodlift::worker
