#include "s3/s3_request.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/text.h"

namespace vodlift::s3 {
namespace {

bool is_dns_label(std::string_view name, bool dots_too) {
  const auto fits = [dots_too](char c) { return is_lower(c) || is_digit(c) || c == '-' || (dots_too && c == '.'); };
  constexpr std::size_t kMaxLabelBytes = 63;
  return !name.empty() && name.size() <= kMaxLabelBytes && name.front() != '-' && name.back() != '-' &&
         std::all_of(name.begin(), name.end(), fits);
}

bool is_ip_or_localhost(const std::string& host) {
  in_addr v4{};
  return host == "localhost" || host.starts_with('[') || inet_pton(AF_INET, host.c_str(), &v4) == 1;
}

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

Address address_of(const BucketAccess& access) {
  const std::string_view endpoint = access.endpoint;
  const bool tls = endpoint.starts_with("https://");
  const std::string_view scheme = tls ? "https://" : "http://";
  std::string_view authority = endpoint.substr(std::min(endpoint.size(), scheme.size()));
  std::string_view path = authority.substr(std::min(authority.find('/'), authority.size()));
  authority.remove_suffix(path.size());
  while (path.ends_with('/')) path.remove_suffix(1);
  const std::string_view default_port = tls ? ":443" : ":80";
  if (authority.ends_with(default_port)) authority.remove_suffix(default_port.size());

  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const bool virtual_host = !access.path_style && path.empty() && is_dns_label(access.bucket, /*dots_too=*/!tls) &&
                            !is_ip_or_localhost(std::string(authority.substr(0, colon)));
  Address out;
  out.host = virtual_host ? access.bucket + "." + std::string(authority) : std::string(authority);
  out.origin = std::string(scheme) + out.host;
  out.prefix = virtual_host ? "" : std::string(path) + "/" + access.bucket;
  return out;
}

std::string metadata_header_value(std::string_view value) {
  if (std::all_of(value.begin(), value.end(), [](char c) { return is_ascii(c) && !is_control(c); }))
    return std::string(value);
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

net::HttpRequest signed_request(const BucketAccess& access, const Credentials& credentials, S3Operation operation,
                                const AwsEnvironment& environment, WallTime now) {
  const Address address = address_of(access);
  UnsignedRequest unsigned_request;
  unsigned_request.method = operation.method;
  unsigned_request.host = address.host;
  unsigned_request.path = joined({address.prefix, "/", operation.key});
  unsigned_request.query = std::move(operation.query);
  unsigned_request.headers = std::move(operation.headers);
  unsigned_request.payload_hash = operation.payload_hash;
  SignedRequest ready =
      sign(unsigned_request, {credentials.access_key, credentials.secret_key, credentials.session_token, access.region},
           now);
  net::HttpRequest request;
  request.method = std::move(operation.method);
  request.url = joined({address.origin, ready.path_and_query});
  request.headers = std::move(ready.headers);
  request.body = std::move(operation.body);
  environment.apply_to(request);
  return request;
}

net::HttpRequest anonymous_request(const BucketAccess& access, S3Operation operation,
                                   const AwsEnvironment& environment) {
  net::HttpRequest request = signed_request(access, {}, std::move(operation), environment, {});
  request.headers.clear();
  return request;
}

}  // namespace vodlift::s3
