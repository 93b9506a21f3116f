// Whether the source is the file that the client meant: the checksum it told against the file's own.
#pragma once

#include "core/storage.h"
#include "core/upload_options.h"
#include "worker/run_control.h"

namespace vodlift::worker {

// Reads the whole source for a digest that cannot be put together from those of its parts (MD5, SHA-256); for CRC32C it
// does nothing, because the sending yields it. Blocks for the disk. Errors: source_mismatch, those of
// SourceFile::read(), and the control's reason.
Result<> check_by_reading(const SourceFile& source, const ExpectedChecksum& expected, RunControl& control);

// Compares the CRC32C of the whole source where that is what is expected. Errors: source_mismatch.
Result<> check_crc32c(const ExpectedChecksum& expected, std::uint32_t crc);

}  // namespace vodlift::worker
