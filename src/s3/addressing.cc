#include "s3/addressing.h"

#include <arpa/inet.h>

#include <algorithm>

namespace vodlift::s3 {
namespace {

bool is_dns_label(std::string_view name, bool dots_too) {
  const auto fits = [dots_too](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || (dots_too && c == '.');
  };
  return !name.empty() && name.front() != '-' && name.back() != '-' && std::all_of(name.begin(), name.end(), fits);
}

bool is_ip_or_localhost(const std::string& host) {
  in_addr v4{};
  return host == "localhost" || host.starts_with('[') || inet_pton(AF_INET, host.c_str(), &v4) == 1;
}

}  // namespace

Address address_of(const BucketAccess& access) {
  const std::string_view endpoint = access.endpoint;
  const bool tls = endpoint.starts_with("https://");
  const std::string_view scheme = tls ? "https://" : "http://";
  std::string_view authority = endpoint.substr(std::min(endpoint.size(), scheme.size()));
  while (authority.ends_with('/')) authority.remove_suffix(1);
  const std::string_view default_port = tls ? ":443" : ":80";
  if (authority.ends_with(default_port)) authority.remove_suffix(default_port.size());

  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const bool virtual_host = !access.path_style && is_dns_label(access.bucket, /*dots_too=*/!tls) &&
                            !is_ip_or_localhost(std::string(authority.substr(0, colon)));
  Address out;
  out.host = virtual_host ? access.bucket + "." + std::string(authority) : std::string(authority);
  out.origin = std::string(scheme) + out.host;
  out.prefix = virtual_host ? "" : "/" + access.bucket;
  return out;
}

}  // namespace vodlift::s3
