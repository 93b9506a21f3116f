#include "core/storage.h"

#include "base/await.h"

namespace vodlift {

Result<> SourceFile::read(std::int64_t offset, std::span<std::uint8_t> buffer) const {
  while (!buffer.empty()) {
    const auto cached = read_cached(offset, buffer);
    if (!cached) return cached.error();
    if (*cached == 0) break;
    buffer = buffer.subspan(*cached);
    offset += static_cast<std::int64_t>(*cached);
  }
  if (buffer.empty()) return {};
  return await<Result<>>([&](auto done) { read_async(offset, buffer, std::move(done)); });
}

}  // namespace vodlift
