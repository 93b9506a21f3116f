#include "worker/source_checksum.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/hash.h"

namespace vodlift::worker {
namespace {

constexpr std::size_t kStepBytes = std::size_t{256} * 1024;

Result<> compare(const ExpectedChecksum& expected, std::string actual) {
  if (actual == expected.digest) return {};
  const ExpectedChecksum found{expected.algorithm, std::move(actual)};
  return Error{
      Errc::source_mismatch,
      fmt::format("the source has the checksum {}, the request expects {}: it is another file, or was changed; "
                  "nothing was sent under this name. Put the right file there, or ask again with its checksum",
                  found.text(), expected.text())};
}

template <class Digest>
Result<> read_and_compare(const SourceFile& source, const ExpectedChecksum& expected, RunControl& control) {
  std::vector<std::uint8_t> buffer(kStepBytes);
  Digest digest;
  const std::int64_t size = source.identity().size;
  for (std::int64_t offset = 0; offset < size;) {
    if (auto reason = control.ended()) return *reason;
    const std::span<std::uint8_t> step(
        buffer.data(), static_cast<std::size_t>(std::min<std::int64_t>(size - offset, std::ssize(buffer))));
    if (auto read = source.read(offset, step); !read) return read;
    digest.update(step);
    offset += static_cast<std::int64_t>(step.size());
  }
  return compare(expected, to_hex(digest.finish()));
}

}  // namespace

Result<> check_by_reading(const SourceFile& source, const ExpectedChecksum& expected, RunControl& control) {
  switch (expected.algorithm) {
    case ExpectedChecksum::Algorithm::md5:
      return read_and_compare<Md5>(source, expected, control);
    case ExpectedChecksum::Algorithm::sha256:
      return read_and_compare<Sha256>(source, expected, control);
    case ExpectedChecksum::Algorithm::crc32c:
      break;
  }
  return {};
}

Result<> check_crc32c(const ExpectedChecksum& expected, std::uint32_t crc) {
  if (expected.algorithm != ExpectedChecksum::Algorithm::crc32c) return {};
  return compare(expected, crc32c_base64(crc));
}

}  // namespace vodlift::worker
