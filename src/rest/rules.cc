#include "rest/rules.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "base/encoding.h"
#include "base/text.h"

namespace vodlift::rest {
namespace {

bool is_visible(char c) { return c > ' ' && c < '\x7f'; }
bool is_printable(char c) { return c >= ' ' && c < '\x7f'; }

template <class Allowed>
bool consists_of(std::string_view text, std::size_t min, std::size_t max, Allowed allowed) {
  return text.size() >= min && text.size() <= max && std::ranges::all_of(text, allowed);
}

Error invalid(std::string_view field, std::string_view value, std::string_view expected) {
  return {Errc::invalid_value, fmt::format("{}: expected {}, found \"{}\"", field, expected, printable(value, 100))};
}

Error invalid_secret(std::string_view field, std::string_view expected) {
  return {Errc::invalid_value, fmt::format("{}: expected {}", field, expected)};
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

bool is_host_name(std::string_view host) {
  constexpr std::size_t kMaxHostBytes = 253;
  // Names of machines in a local network may hold underscores; resolvers and stores take them.
  return consists_of(host, 1, kMaxHostBytes, [](char c) { return is_alnum(c) || c == '.' || c == '-' || c == '_'; }) &&
         (is_alnum(host.front()) || host.front() == '_') && host.back() != '.' &&
         host.find("..") == std::string_view::npos;
}

bool is_host_and_port(std::string_view authority) {
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return false;
    const std::string host(authority.substr(1, end - 1));
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    const std::string_view rest = authority.substr(end + 1);
    return ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1 &&
           (rest.empty() || (rest.front() == ':' && is_port(rest.substr(1))));
  }
  const std::size_t colon = authority.find(':');
  if (colon == std::string_view::npos) return is_host_name(authority);
  return is_host_name(authority.substr(0, colon)) && is_port(authority.substr(colon + 1));
}

// Empty, or segments that need no encoding, none of them a dot segment.
bool is_endpoint_path(std::string_view path) {
  constexpr std::size_t kMaxPathBytes = 256;
  if (path.empty()) return true;
  const auto allowed = [](char c) {
    return is_alnum(c) || std::string_view("._~-/").find(c) != std::string_view::npos;
  };
  if (!consists_of(path, 2, kMaxPathBytes, allowed) || path.find("//") != std::string_view::npos) return false;
  const std::string whole = std::string(path) + "/";
  return whole.find("/./") == std::string::npos && whole.find("/../") == std::string::npos;
}

}  // namespace

Result<> check_user(std::string_view user) {
  const auto allowed = [](char c) { return is_alnum(c) || c == '.' || c == '_' || c == '-'; };
  if (consists_of(user, 1, 64, allowed) && user.front() != '.' && user.front() != '-') return {};
  return invalid("user", user, "1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter, a digit or _");
}

Result<> check_api_key(std::string_view api_key) {
  const bool trimmed = !api_key.starts_with(' ') && !api_key.ends_with(' ');
  if (consists_of(api_key, 8, 128, is_printable) && trimmed) return {};
  // What was found is not shown: it may be the secret, in the wrong column of a file.
  return invalid_secret("api_key", "8 to 128 printable ASCII characters, without spaces at the ends");
}

Result<> check_api_secret(std::string_view secret) {
  if (consists_of(secret, 16, 256, is_printable)) return {};
  return invalid_secret("secret", "16 to 256 printable ASCII characters");
}

Result<std::string> normal_endpoint(std::string_view endpoint) {
  const Error refusal = invalid("endpoint", endpoint,
                                "http:// or https://, a host (one with other letters as xn--…), optionally :port and a "
                                "path, such as \"https://s3.eu-west-1.amazonaws.com\"");
  const std::size_t scheme_end = endpoint.find("://");
  if (scheme_end == std::string_view::npos) return refusal;
  const std::string scheme = to_lower(endpoint.substr(0, scheme_end));
  const std::string_view rest = endpoint.substr(scheme_end + 3);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string authority = to_lower(rest.substr(0, slash));
  std::string_view path = rest.substr(slash);
  while (path.ends_with('/')) path.remove_suffix(1);
  // A dot at the end says that the name is absolute. Certificates and signatures are of the name without it.
  const std::size_t host_end = std::min(authority.find(':'), authority.size());
  const bool absolute = !authority.starts_with('[') && host_end > 1 && authority[host_end - 1] == '.';
  if (absolute) authority.erase(host_end - 1, 1);
  const bool good = (scheme == "http" || scheme == "https") && is_host_and_port(authority) && is_endpoint_path(path);
  if (!good) return refusal;
  return scheme + "://" + authority + std::string(path);
}

Result<> check_region(std::string_view region) {
  // Stores of one's own have regions with dots and colons.
  const auto allowed = [](char c) { return is_alnum(c) || std::string_view("._:-").find(c) != std::string_view::npos; };
  if (consists_of(region, 1, 64, allowed)) return {};
  return invalid("region", region, "1 to 64 of A-Z a-z 0-9 . _ : -, such as \"eu-west-1\"");
}

Result<> check_access_key(std::string_view access_key) {
  const auto allowed = [](char c) { return is_visible(c) && c != ',' && c != '/'; };
  if (consists_of(access_key, 1, 128, allowed)) return {};
  return invalid("access_key", access_key, "1 to 128 printable ASCII characters without spaces, commas and slashes");
}

Result<> check_secret_key(std::string_view secret_key) {
  if (consists_of(secret_key, 1, 256, is_visible)) return {};
  return invalid_secret("secret_key", "1 to 256 printable ASCII characters without spaces");
}

Result<> check_profile(std::string_view profile) {
  const auto allowed = [](char c) { return (is_visible(c) || c == ' ') && c != ']'; };
  if (consists_of(profile, 1, 128, allowed) && profile.front() != ' ' && profile.back() != ' ') return {};
  return invalid("profile", profile, "1 to 128 printable ASCII characters without ]");
}

Result<> check_role_arn(std::string_view role_arn) {
  constexpr std::size_t kAccountDigits = 12;
  const std::size_t service = role_arn.find(":iam::");
  const std::string_view account = service == std::string_view::npos ? "" : role_arn.substr(service + 6);
  const bool good = consists_of(role_arn, 20, 2048, is_visible) && role_arn.starts_with("arn:aws") &&
                    account.size() > kAccountDigits && is_number(account.substr(0, kAccountDigits)) &&
                    account.substr(kAccountDigits).starts_with(":role/") && account.size() > kAccountDigits + 6;
  if (good) return {};
  return invalid("role_arn", role_arn, "a role such as \"arn:aws:iam::123456789012:role/uploader\"");
}

Result<> check_kms_key(std::string_view kms_key) {
  const auto allowed = [](char c) { return is_alnum(c) || c == ':' || c == '/' || c == '_' || c == '-'; };
  if (consists_of(kms_key, 1, 2048, allowed)) return {};
  return invalid("kms_key", kms_key,
                 "a key's id or ARN, or an alias, such as \"arn:aws:kms:eu-west-1:123456789012:key/1234abcd-…\" or "
                 "\"alias/films\"");
}

Result<> check_external_id(std::string_view external_id) {
  const auto allowed = [](char c) {
    return is_alnum(c) || std::string_view("_+=,.@:/-").find(c) != std::string_view::npos;
  };
  if (consists_of(external_id, 2, 1224, allowed)) return {};
  return invalid("external_id", external_id, "2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -");
}

}  // namespace vodlift::rest
