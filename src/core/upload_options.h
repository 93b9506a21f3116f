// S3's rules for the options of an upload, one function each. The table in upload_fields.cc says which option follows
// which rule.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/field_spec.h"
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

// Each checks one value against its field's spec and S3's rules and brings it into its one form: spaces around a header
// are dropped, a checksum's hex digits become lower case. Errors: invalid_value (the message begins with the field's
// name).
Result<> check_header_value(const FieldSpec& spec, std::string& value);
Result<> check_content_type(const FieldSpec& spec, std::string& value);
Result<> check_storage_class(const FieldSpec& spec, const std::string& value);
Result<> check_tags(const FieldSpec& spec, const Metadata& tags);
Result<> check_checksum(const FieldSpec& spec, std::string& value);

// A checksum that the source as a whole must have.
struct ExpectedChecksum {
  enum class Algorithm { crc32c, md5, sha256 };
  Algorithm algorithm = Algorithm::crc32c;
  std::string digest;  // crc32c: base64 of the four bytes, big-endian; else hex in lower case

  [[nodiscard]] std::string text() const;  // "sha256:9f86d0…"
};
// Reads "crc32c:<base64>", "md5:<hex>", "sha256:<hex>"; nothing for any other text.
std::optional<ExpectedChecksum> parse_checksum(std::string_view text);

}  // namespace vodlift
