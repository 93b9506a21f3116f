#include "worker/read_ahead.h"

#include <algorithm>
#include <vector>

namespace vodlift::worker {
namespace {

constexpr std::size_t kStepBytes = std::size_t{128} * 1024;

}  // namespace

// A step whose last byte is in memory counts as being there: what is not costs the transfer a wait, and no more.
Result<> read_ahead(const SourceFile& source, std::int64_t offset, std::int64_t size) {
  thread_local std::vector<std::uint8_t> buffer(kStepBytes);
  while (size > 0) {
    const std::span<std::uint8_t> step(buffer.data(),
                                       static_cast<std::size_t>(std::min<std::int64_t>(size, kStepBytes)));
    const auto length = static_cast<std::int64_t>(step.size());
    const auto cached = source.read_cached(offset + length - 1, step.first(1));
    if (!cached) return cached.error();
    if (*cached == 0) {
      if (auto read = source.read(offset, step); !read) return read;
    }
    offset += length;
    size -= length;
  }
  return {};
}

}  // namespace vodlift::worker
