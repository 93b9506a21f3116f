// The rules for what a client may ask of an upload beside the contract's fields.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/upload.h"

namespace vodlift {

inline constexpr std::size_t kMaxContentTypeBytes = 255;
inline constexpr std::size_t kMaxCacheControlBytes = 255;
inline constexpr std::size_t kMaxContentDispositionBytes = 1024;
inline constexpr std::size_t kMaxStorageClassBytes = 64;
inline constexpr std::size_t kMaxTags = 10;
inline constexpr std::size_t kMaxTagNameUnits = 128;   // UTF-16 code units, as S3 counts them
inline constexpr std::size_t kMaxTagValueUnits = 256;  // likewise
inline constexpr std::size_t kMaxChecksumBytes = 71;   // "sha256:" and 64 hex digits

// Checks each option by S3's rules and brings the checksum into its one form (hex in lower case). Errors: invalid_value
// (the message begins with the field's name).
Result<UploadOptions> validate_options(UploadOptions options);

// A checksum that the whole source must have.
struct ExpectedChecksum {
  enum class Algorithm { crc32c, md5, sha256 };
  Algorithm algorithm = Algorithm::crc32c;
  std::string digest;  // crc32c: base64 of the four bytes, big-endian; else hex in lower case

  [[nodiscard]] std::string text() const;  // "sha256:9f86d0…"
};
// Reads "crc32c:<base64>", "md5:<hex>", "sha256:<hex>"; nothing for anything else.
std::optional<ExpectedChecksum> parse_checksum(std::string_view text);

}  // namespace vodlift
