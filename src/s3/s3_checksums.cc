#include "s3/s3_checksums.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/hash.h"
#include "s3/s3_request.h"
#include "s3/s3_xml.h"

namespace vodlift::s3 {

std::vector<std::pair<std::string, std::string>> checksum_offer(ChecksumMode offer) {
  if (offer == ChecksumMode::md5) return {};
  std::vector<std::pair<std::string, std::string>> headers = {{"x-amz-checksum-algorithm", "CRC32C"}};
  if (offer == ChecksumMode::crc32c) headers.emplace_back("x-amz-checksum-type", "FULL_OBJECT");
  return headers;
}

// A store without checksums ignores the offer. A store that does not name the type of the whole's checksum knows only
// the older type, over the parts' checksums.
ChecksumMode checksum_taken(const net::HttpResponse& created) {
  if (created.header("x-amz-checksum-algorithm") != "CRC32C") return ChecksumMode::md5;
  return created.header("x-amz-checksum-type") == "FULL_OBJECT" ? ChecksumMode::crc32c : ChecksumMode::crc32c_composite;
}

// Invalid metadata has the same code: only another try shows what was refused.
bool may_refuse_checksums(const net::HttpResponse& response) {
  if (response.status != 400 && response.status != 501) return false;
  const auto error = parse_error(response.body);
  return error &&
         (error->code == "NotImplemented" || error->code == "InvalidArgument" || error->code == "InvalidRequest");
}

std::vector<std::pair<std::string, std::string>> complete_headers(ChecksumMode mode, std::uint32_t crc32c,
                                                                  std::int64_t size) {
  std::vector<std::pair<std::string, std::string>> headers = {{"content-type", "application/xml"}};
  if (mode == ChecksumMode::crc32c) {
    headers.emplace_back(kCrcHeader, crc32c_base64(crc32c));
    headers.emplace_back("x-amz-checksum-type", "FULL_OBJECT");
  }
  if (mode != ChecksumMode::md5) headers.emplace_back("x-amz-mp-object-size", std::to_string(size));
  return headers;
}

bool may_refuse_whole_checksum(int status, std::string_view code) {
  constexpr auto kCodes = std::to_array<std::string_view>(
      {"BadDigest", "InvalidDigest", "InvalidRequest", "InvalidArgument", "NotImplemented",
       "XAmzContentChecksumMismatch", "MalformedXML", "InvalidChecksum", "ChecksumMismatch"});
  const bool wordless = code.empty() && (status == 400 || status == 501);
  return wordless || std::ranges::find(kCodes, code) != kCodes.end();
}

bool may_refuse_checksum_mode(const net::HttpResponse& response) {
  return response.status == 400 || response.status == 501;
}

std::pair<std::string, std::string> checksum_header(SentChecksum kind, const RangeChecksum& checksum) {
  if (kind == SentChecksum::md5) return {"content-md5", to_base64(bytes_of(checksum.md5))};
  return {std::string(kCrcHeader), crc32c_base64(checksum.crc32c)};
}

Result<StoredBytes> confirmed_bytes(const ObjectTarget& target, std::string_view operation,
                                    const net::HttpResponse& response, const RangeChecksum& checksum,
                                    SentChecksum sent) {
  StoredBytes stored{std::string(response.header("etag")), std::string(response.header(kCrcHeader)),
                     std::string(response.header("x-amz-version-id")), std::string(response.header(kEncryptionHeader)),
                     checksum.crc32c};
  const auto mismatch = [&](std::string_view what) {
    return Error{Errc::s3_integrity,
                 fmt::format("{} of s3://{}/{}: {}", operation, target.access.bucket, printable(target.key), what)};
  };
  if (stored.etag.empty()) return mismatch("the store answered without an ETag");
  if (!stored.checksum.empty()) {
    if (stored.checksum != crc32c_base64(checksum.crc32c))
      return mismatch("the store's CRC32C is not that of the file");
    return stored;
  }
  const std::string etag = unquoted_etag(stored.etag);
  if (!checksum.md5.empty() && from_hex(etag) == checksum.md5) return stored;
  // An ETag need not be an MD5, even if it looks like one. Then only a Content-MD5 that the store accepted counts: the
  // caller finds out whether the store refuses a wrong one, or reads the object back.
  if (sent == SentChecksum::md5) return stored;
  return mismatch("the store confirmed neither CRC32C nor MD5");
}

}  // namespace vodlift::s3
