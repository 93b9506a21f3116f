#include "load_request.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/encoding.h"
#include "base/hash.h"

namespace vodlift::bench {
namespace {

constexpr std::string_view kBoundary = "------------------------5f1b2c0e9a7d4c36";

// PHP's json_encode writes "\/" for a slash; most callers are PHP.
std::string quote_as_php(std::string_view text) {
  const std::string plain = boost::json::serialize(boost::json::string(text));
  std::string quoted;
  for (const char c : plain) {
    if (c == '/') quoted += '\\';
    quoted += c;
  }
  return quoted;
}

std::string with_number(std::string_view pattern, std::int64_t n) {
  const std::size_t place = pattern.find("{n}");
  if (place == std::string_view::npos) return std::string(pattern);
  return fmt::format("{}{:06}{}", pattern.substr(0, place), n, pattern.substr(place + 3));
}

}  // namespace

LoadRequests::LoadRequests(LoadSettings settings)
    : settings_(std::move(settings)),
      quoted_key_(quote_as_php(settings_.api_key)),
      quoted_bucket_(quote_as_php(settings_.bucket)),
      quoted_path_(quote_as_php(settings_.path)),
      quoted_destination_(quote_as_php(settings_.destination)) {}

std::string LoadRequests::signed_json(std::int64_t n, std::int64_t unix_seconds) const {
  std::string json =
      fmt::format(R"({{"command":"aws.upload","api_key":{},"timestamp":{},"cdn":{},"path":{},"destination_path":{},)"
                  R"("metadata":{{"param1":"value1"}},"acl":"private","bucket":{},"callback":""}})",
                  quoted_key_, unix_seconds, settings_.cdn, with_number(quoted_path_, n),
                  with_number(quoted_destination_, n), quoted_bucket_);
  const std::string signature = to_base64(hmac_sha256(bytes_of(settings_.secret), bytes_of(json)));
  json.pop_back();
  // Base64 may hold slashes too, and PHP escapes them here as everywhere.
  return json + ",\"signature\":" + quote_as_php(signature) + "}";
}

std::string LoadRequests::http_request(std::int64_t n, std::int64_t unix_seconds) const {
  const std::string json = signed_json(n, unix_seconds);
  std::string body;
  std::string type;
  if (settings_.form == Form::multipart) {
    body = fmt::format("--{0}\r\nContent-Disposition: form-data; name=\"json\"\r\n\r\n{1}\r\n--{0}--\r\n", kBoundary,
                       json);
    type = fmt::format("multipart/form-data; boundary={}", kBoundary);
  } else {
    body = "json=" + uri_encode(json);
    type = "application/x-www-form-urlencoded";
  }
  return fmt::format(
      "POST /stable/ HTTP/1.1\r\nHost: {}\r\nAccept: */*\r\nContent-Length: {}\r\nContent-Type: {}\r\n\r\n{}",
      settings_.host, body.size(), type, body);
}

}  // namespace vodlift::bench
