#include "worker/object_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/hash.h"

namespace vodlift::worker {
namespace {

std::string composite_crc32c(const std::vector<Part>& parts) {
  std::uint32_t crc = 0;
  for (const Part& part : parts) {
    const std::uint8_t bytes[] = {static_cast<std::uint8_t>(part.crc32c >> 24),
                                  static_cast<std::uint8_t>(part.crc32c >> 16),
                                  static_cast<std::uint8_t>(part.crc32c >> 8), static_cast<std::uint8_t>(part.crc32c)};
    crc = crc32c(crc, bytes);
  }
  return fmt::format("{}-{}", crc32c_base64(crc), parts.size());
}

// The ETag that S3 gives a multipart object whose parts have MD5 ETags; empty if the MD5 of a part is not known.
std::string composite_md5(const std::vector<Part>& parts) {
  Md5 md5;
  for (const Part& part : parts) {
    if (part.md5.empty()) return "";
    md5.update(bytes_of(part.md5));
  }
  const Md5Digest digest = md5.finish();
  return fmt::format("{}-{}", to_hex(digest), parts.size());
}

bool looks_like_md5(std::string_view text) { return text.size() == 32 && from_hex(text).has_value(); }
bool looks_like_md5_of_md5s(std::string_view etag) {
  return etag.size() > 33 && etag[32] == '-' && looks_like_md5(etag.substr(0, 32));
}

// Some stores give ETags that look like MD5s and are none.
bool has_false_md5(const Part& part) {
  const std::string etag = unquoted_etag(part.etag);
  return looks_like_md5(etag) && from_hex(etag) != part.md5;
}

}  // namespace

Verification verification_of(const StoredBytes& stored, const RangeChecksum& checksum) {
  Verification out{unquoted_etag(stored.etag), "", stored.version_id};
  out.checksum = stored.checksum.empty() ? "md5:" + to_hex(bytes_of(checksum.md5)) : "crc32c:" + stored.checksum;
  return out;
}

bool reported_digest(std::string_view etag, std::string_view checksum, std::string_view md5) {
  return !checksum.empty() || (!md5.empty() && from_hex(unquoted_etag(etag)) == md5);
}

bool part_matches(const ListedPart& listed, const RangeChecksum& checksum) {
  if (!listed.checksum.empty()) return listed.checksum == crc32c_base64(checksum.crc32c);
  return from_hex(unquoted_etag(listed.etag)) == checksum.md5;
}

Result<Verification> check_object(const ObjectToCheck& check) {
  const bool size_known = check.object.size >= 0;
  if (size_known && check.object.size != check.size) {
    return Error{Errc::s3_integrity,
                 fmt::format("the stored object has {} bytes, the file {}", check.object.size, check.size)};
  }
  Verification out{unquoted_etag(check.object.etag), "", check.object.version_id};
  if (!check.object.checksum.empty()) {
    if (check.object.checksum == crc32c_base64(check.crc32c)) {
      out.checksum = "crc32c:" + check.object.checksum;
    } else if (check.object.checksum == composite_crc32c(check.parts)) {
      out.checksum = "crc32c-composite:" + check.object.checksum;
    } else {
      return Error{Errc::s3_integrity, "the store's CRC32C of the whole object is not that of the file"};
    }
    return out;
  }
  const std::string expected = composite_md5(check.parts);
  if (!expected.empty() && out.etag == expected) {
    out.checksum = "etag-md5:" + expected;
    return out;
  }
  // Any other ETag proves nothing: it may look like an MD5 and not be one, or belong to other parts.
  const bool opaque = !looks_like_md5_of_md5s(out.etag) || uses_kms(check.object.encryption) ||
                      std::ranges::all_of(check.parts, has_false_md5);
  if (!expected.empty() && opaque && check.parts_verified && size_known) out.checksum = "part-md5:" + expected;
  return out;
}

Result<> check_encrypted(const Encryption& wanted, std::string_view applied) {
  if (satisfies(wanted, applied)) return {};
  return Error{Errc::s3_rejected,
               fmt::format("the object is stored, but not encrypted as asked for ({}; the store says {}): delete it if "
                           "it must not lie there like this",
                           to_string(wanted.mode), applied.empty() ? "nothing" : printable(applied, 64)),
               "see `vodlift bucket check`"};
}

namespace {

// Whether the object has no byte behind those that were expected: a store refuses to read there.
Result<> ends_at(ObjectStore& objects, const ObjectToRead& object, const std::string& etag, RunControl& control) {
  const auto more = with_retries(control, [&] { return objects.read(object.target, etag, object.size, 1); });
  if (more)
    return Error{Errc::s3_integrity, fmt::format("the stored object has more bytes than the file's {}", object.size)};
  if (more.error().code == Errc::s3_rejected) return {};
  return more.error();
}

}  // namespace

Result<Verification> read_back(ObjectStore& objects, const ObjectToRead& object, RunControl& control) {
  constexpr std::string_view kWhat = "reading the object back, since this store confirms neither CRC32C nor MD5";
  const auto head = with_retries(control, [&] { return objects.head(object.target); });
  if (!head) return with_context(kWhat, head.error());
  // Where the mark is missing, something between drops it: then the bytes tell.
  if (!head->token.empty() && head->token != object.token) {
    return Error{Errc::s3_unverifiable, fmt::format("s3://{}/{} was replaced by another client before it was read back",
                                                    object.target.access.bucket, printable(object.target.key))};
  }
  const bool size_known = head->size >= 0;
  if (size_known && head->size != object.size) {
    return Error{Errc::s3_integrity,
                 fmt::format("the stored object has {} bytes, the file {}", head->size, object.size)};
  }
  UnfinishedReading::OfObject& so_far = control.reading().object;
  if (head->etag.empty() || so_far.etag != head->etag) so_far = {head->etag};
  while (so_far.offset < object.size) {
    const std::int64_t count = std::min(kReadBackBytes, object.size - so_far.offset);
    const auto bytes =
        with_retries(control, [&] { return objects.read(object.target, head->etag, so_far.offset, count); });
    if (!bytes) return with_context(kWhat, bytes.error());
    so_far.crc32c = crc32c(so_far.crc32c, bytes_of(*bytes));
    so_far.offset += count;
    control.reading().advanced = true;
  }
  if (!size_known) {
    if (auto at_end = ends_at(objects, object, head->etag, control); !at_end)
      return with_context(kWhat, at_end.error());
  }
  if (std::exchange(so_far, {}).crc32c != object.crc32c) {
    return Error{Errc::s3_integrity, "the object was read back, and its CRC32C is not that of the file"};
  }
  return Verification{unquoted_etag(head->etag), "read-back-crc32c:" + crc32c_base64(object.crc32c), head->version_id};
}

}  // namespace vodlift::worker
