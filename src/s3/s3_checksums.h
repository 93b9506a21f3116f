// S3's checksums: how they are offered and sent, and when an answer confirms that the right bytes have arrived.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/object_store.h"
#include "net/http_client.h"

namespace vodlift::s3 {

inline constexpr std::string_view kCrcHeader = "x-amz-checksum-crc32c";
// What has HEAD answer the object's checksum.
inline constexpr std::pair<std::string_view, std::string_view> kAskForChecksum = {"x-amz-checksum-mode", "ENABLED"};

// What asks for the checksum `offer` (crc32c, crc32c_composite or md5) of a multipart upload when it is begun.
std::vector<std::pair<std::string, std::string>> checksum_offer(ChecksumMode offer);

// The checksum that the store took, by its answer: it keeps to it for the parts and the whole.
ChecksumMode checksum_taken(const net::HttpResponse& created);

// Whether the refusal may be of an offer, so that a weaker one is worth a try: these codes have other causes as well.
bool may_refuse_checksums(const net::HttpResponse& response);

// Whether the refusal may be of kAskForChecksum: an answer to HEAD has no body to tell.
bool may_refuse_checksum_mode(const net::HttpResponse& response);

// Which checksum header went along with a body; fixed when the request is made, whatever is learned meanwhile.
enum class SentChecksum { crc32c, md5 };

// The header that has the store refuse other bytes than these.
std::pair<std::string, std::string> checksum_header(SentChecksum kind, const RangeChecksum& checksum);

// The store's word on bytes just sent with the header `sent`, compared with ours. `operation` is for messages.
// Errors: s3_integrity (other bytes, or no word on them that counts).
Result<StoredBytes> confirmed_bytes(const ObjectTarget& target, std::string_view operation,
                                    const net::HttpResponse& response, const RangeChecksum& checksum,
                                    SentChecksum sent);

}  // namespace vodlift::s3
