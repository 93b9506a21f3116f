// Having a range of the source in memory before it is sent, where no checksum pass sees to that.
#pragma once

#include "core/storage.h"

namespace vodlift::worker {

// Has `size` bytes from `offset` in the page cache, as far as there is room; reads, blocking for the disk, only what is
// not there. Errors as SourceFile::read().
Result<> read_ahead(const SourceFile& source, std::int64_t offset, std::int64_t size);

}  // namespace vodlift::worker
