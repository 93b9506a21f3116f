#include "worker/range_checksum.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/hash.h"

namespace vodlift::worker {
namespace {

// Fits the second-level cache, so that hashing does not go to memory a second time.
constexpr std::size_t kStepBytes = std::size_t{128} * 1024;

class RangeHash {
 public:
  explicit RangeHash(bool with_md5) {
    if (with_md5) md5_.emplace();
  }
  void update(std::span<const std::uint8_t> bytes) {
    crc32c_ = crc32c(crc32c_, bytes);
    if (md5_) md5_->update(bytes);
  }
  RangeChecksum finish() {
    RangeChecksum out{crc32c_, {}};
    if (!md5_) return out;
    const Md5Digest digest = md5_->finish();
    out.md5.assign(digest.begin(), digest.end());
    return out;
  }

 private:
  std::uint32_t crc32c_ = 0;
  std::optional<Md5> md5_;
};

}  // namespace

RangeChecksum checksum_of(std::span<const std::uint8_t> bytes, bool with_md5) {
  RangeHash hash(with_md5);
  hash.update(bytes);
  return hash.finish();
}

Result<RangeChecksum> checksum_range(const SourceFile& source, std::int64_t offset, std::int64_t size, bool with_md5) {
  thread_local std::vector<std::uint8_t> buffer(kStepBytes);
  RangeHash hash(with_md5);
  while (size > 0) {
    const std::span<std::uint8_t> step(buffer.data(),
                                       static_cast<std::size_t>(std::min<std::int64_t>(size, kStepBytes)));
    if (auto read = source.read(offset, step); !read) return read.error();
    hash.update(step);
    offset += static_cast<std::int64_t>(step.size());
    size -= static_cast<std::int64_t>(step.size());
  }
  return hash.finish();
}

}  // namespace vodlift::worker
