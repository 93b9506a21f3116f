#include "worker/read_back.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/hash.h"

namespace vodlift::worker {

Result<Verification> read_back(ObjectStore& objects, const ObjectToRead& object, RunControl& control) {
  constexpr std::string_view kWhat = "reading the object back, since this store confirms neither CRC32C nor MD5";
  const auto head = with_retries(control, [&] { return objects.head(object.target); });
  if (!head) return with_context(kWhat, head.error());
  if (head->token != object.token) {
    return Error{Errc::s3_unverifiable, fmt::format("s3://{}/{} was replaced by somebody else before it was read back",
                                                    object.target.access.bucket, printable(object.target.key))};
  }
  if (head->size != object.size) {
    return Error{Errc::s3_integrity,
                 fmt::format("the stored object has {} bytes, the file {}", head->size, object.size)};
  }
  std::uint32_t crc = 0;
  for (std::int64_t offset = 0; offset < object.size; offset += kReadBackBytes) {
    const std::int64_t count = std::min(kReadBackBytes, object.size - offset);
    const auto bytes = with_retries(control, [&] { return objects.read(object.target, head->etag, offset, count); });
    if (!bytes) return with_context(kWhat, bytes.error());
    crc = crc32c(crc, bytes_of(*bytes));
  }
  if (crc != object.crc32c) {
    return Error{Errc::s3_integrity, "the object was read back, and its CRC32C is not that of the file"};
  }
  return Verification{unquoted_etag(head->etag), "read-back-crc32c:" + crc32c_base64(crc), head->version_id};
}

}  // namespace vodlift::worker
