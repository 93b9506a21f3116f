// S3's checksums: how they are offered and sent, and when an answer confirms that the right bytes have arrived.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/object_store.h"
#include "net/http_client.h"

namespace vodlift::s3 {

inline constexpr std::string_view kCrcHeader = "x-amz-checksum-crc32c";
// The header by which HEAD asks for the object's checksum.
inline constexpr std::pair<std::string_view, std::string_view> kAskForChecksum = {"x-amz-checksum-mode", "ENABLED"};

// The headers that ask for the checksum `offer` (crc32c, crc32c_composite or md5) when a multipart upload is created.
std::vector<std::pair<std::string, std::string>> checksum_offer(ChecksumMode offer);

// The checksum that the store took, according to its answer. It applies to the parts and to the whole.
ChecksumMode checksum_taken(const net::HttpResponse& created);

// Whether the store may have refused the offered checksum, so that a weaker offer is worth a try. The same codes have
// other causes as well.
bool may_refuse_checksums(const net::HttpResponse& response);

// The headers of Complete where the parts are confirmed by `mode`; `crc32c` and `size` are the whole object's.
std::vector<std::pair<std::string, std::string>> complete_headers(ChecksumMode mode, std::uint32_t crc32c,
                                                                  std::int64_t size);

// Whether the store may have refused the CRC32C that Complete carries, by its status and error code.
bool may_refuse_whole_checksum(int status, std::string_view code);

// Whether the store may have refused kAskForChecksum: an answer to HEAD has no body that would say so.
bool may_refuse_checksum_mode(const net::HttpResponse& response);

// Which checksum header a request has. It is decided when the request is made, and new facts do not change it.
enum class SentChecksum { crc32c, md5 };

// The header that makes the store refuse other bytes.
std::pair<std::string, std::string> checksum_header(SentChecksum kind, const RangeChecksum& checksum);

// Compares what the store confirms of bytes that were sent with the header `sent` with our own checksum. `operation` is
// for messages. Errors: s3_integrity (other bytes, or no valid confirmation).
Result<StoredBytes> confirmed_bytes(const ObjectTarget& target, std::string_view operation,
                                    const net::HttpResponse& response, const RangeChecksum& checksum,
                                    SentChecksum sent);

}  // namespace vodlift::s3
