#include "core/object_store.h"

namespace vodlift {

std::string_view to_string(ChecksumMode mode) {
  switch (mode) {
    case ChecksumMode::unknown:
      return "unknown";
    case ChecksumMode::crc32c:
      return "crc32c";
    case ChecksumMode::crc32c_composite:
      return "crc32c-composite";
    case ChecksumMode::md5:
      return "md5";
  }
  return "unknown";
}

std::optional<ChecksumMode> checksum_mode_from(std::string_view word) {
  for (const ChecksumMode mode :
       {ChecksumMode::unknown, ChecksumMode::crc32c, ChecksumMode::crc32c_composite, ChecksumMode::md5}) {
    if (to_string(mode) == word) return mode;
  }
  return std::nullopt;
}

std::string unquoted_etag(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

}  // namespace vodlift
