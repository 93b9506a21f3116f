#include "worker/range_checksum.h"

#include <algorithm>

#include "base/hash.h"

namespace vodlift::worker {
namespace {

// Fits the second-level cache, so that hashing does not go to memory a second time.
constexpr std::size_t kStepBytes = std::size_t{128} * 1024;

}  // namespace

Result<RangeChecksum> checksum_range(const SourceFile& source, std::int64_t offset, std::int64_t size, bool with_md5) {
  thread_local std::vector<std::uint8_t> buffer(kStepBytes);
  RangeChecksum out;
  Md5 md5;
  while (size > 0) {
    const std::span<std::uint8_t> step(buffer.data(),
                                       static_cast<std::size_t>(std::min<std::int64_t>(size, kStepBytes)));
    if (auto read = source.read(offset, step); !read) return read.error();
    out.crc32c = crc32c(out.crc32c, step);
    if (with_md5) md5.update(step);
    offset += static_cast<std::int64_t>(step.size());
    size -= static_cast<std::int64_t>(step.size());
  }
  if (with_md5) {
    const Md5Digest digest = md5.finish();
    out.md5.assign(digest.begin(), digest.end());
  }
  return out;
}

}  // namespace vodlift::worker
