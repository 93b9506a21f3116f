#include "s3/object_headers.h"

#include <algorithm>

#include "base/encoding.h"

namespace vodlift::s3 {
namespace {

// An encoded word is at most 75 characters (RFC 2047 section 2): 12 of frame, so 45 bytes of text at most.
constexpr std::size_t kMaxWordBytes = 45;

// As the query of a URL: name=value&name=value.
std::string tagging(const Metadata& tags) {
  std::string out;
  for (const auto& [name, value] : tags) {
    if (!out.empty()) out += '&';
    out += uri_encode(name) + "=" + uri_encode(value);
  }
  return out;
}

bool is_utf8_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

std::string metadata_header_value(std::string_view value) {
  if (std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7F; })) return std::string(value);
  std::string out;
  while (!value.empty()) {
    std::size_t count = std::min(value.size(), kMaxWordBytes);
    while (count < value.size() && count > 1 && is_utf8_continuation(value[count])) --count;
    if (!out.empty()) out += ' ';
    out += "=?UTF-8?B?" + to_base64(bytes_of(value.substr(0, count))) + "?=";
    value.remove_prefix(count);
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> object_headers(const ObjectProperties& properties) {
  std::vector<std::pair<std::string, std::string>> headers;
  const auto add = [&headers](std::string_view name, std::string value) {
    if (!value.empty()) headers.emplace_back(name, std::move(value));
  };
  headers.emplace_back("content-type", properties.content_type);
  add("cache-control", properties.cache_control);
  add("content-disposition", properties.content_disposition);
  add("x-amz-storage-class", properties.storage_class);
  add("x-amz-tagging", tagging(properties.tags));
  if (properties.acl == Acl::public_read) headers.emplace_back("x-amz-acl", to_string(properties.acl));
  for (const auto& [name, value] : properties.metadata) {
    headers.emplace_back("x-amz-meta-" + name, metadata_header_value(value));
  }
  headers.emplace_back(kTokenHeader, properties.token);
  return headers;
}

std::vector<std::pair<std::string, std::string>> encryption_headers(const Encryption& encryption) {
  const std::string name(kEncryptionHeader);
  switch (encryption.mode) {
    case EncryptionMode::bucket_default:
      return {};
    case EncryptionMode::sse_s3:
      return {{name, "AES256"}};
    case EncryptionMode::sse_kms:
      break;
  }
  std::vector<std::pair<std::string, std::string>> headers = {{name, std::string(kKms)}};
  if (!encryption.kms_key.empty()) headers.emplace_back(name + "-aws-kms-key-id", encryption.kms_key);
  if (encryption.bucket_key) headers.emplace_back(name + "-bucket-key-enabled", "true");
  return headers;
}

}  // namespace vodlift::s3
