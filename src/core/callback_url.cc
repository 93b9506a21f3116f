#include "core/callback_url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/encoding.h"
#include "base/text.h"
#include "core/upload_request.h"

namespace vodlift {
namespace {

constexpr std::size_t kMaxHostBytes = 253;
constexpr std::size_t kMaxLabelBytes = 63;

Error refused(std::string_view why) { return {Errc::invalid_value, "callback: " + std::string(why)}; }

// A character that RFC 3986 allows nowhere. The backslash matters most: some readers of URLs take it for a slash and
// so see another host.
std::optional<Error> forbidden_character(std::string_view text) {
  for (const char c : text) {
    if (c < '!' || c > '~') return refused("only printable ASCII without spaces is allowed; percent-encode the rest");
    if (std::string_view("\\\"<>^`{|}").find(c) != std::string_view::npos) {
      return refused(std::string("the character ") + c + " is not allowed in a URL; percent-encode it");
    }
    if (c == '#') return refused("a fragment (#…) is never sent to a server; leave it out");
  }
  return std::nullopt;
}

// "http" or "https" and what follows "://". Without a scheme, http is meant, as the documented example has it.
struct SchemeAndRest {
  std::string_view scheme;
  std::string_view rest;
};

Result<SchemeAndRest> split_scheme(std::string_view text) {
  const std::size_t end = text.find("://");
  if (end == std::string_view::npos || text.substr(0, end).find_first_of("/?") != std::string_view::npos) {
    return SchemeAndRest{"http", text};
  }
  const std::string scheme = to_lower(text.substr(0, end));
  const std::string_view rest = text.substr(end + 3);
  if (scheme == "http") return SchemeAndRest{"http", rest};
  if (scheme == "https") return SchemeAndRest{"https", rest};
  return refused("the scheme must be http or https");
}

Result<int> check_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool number = problem == std::errc{} && end == text.data() + text.size() && text.front() != '0';
  if (!number || port > 65535) return refused("the port must be a number of 1 to 65535");
  return static_cast<int>(port);
}

Result<> check_name(std::string_view host) {
  if (host.size() > kMaxHostBytes) return refused("the host name is longer than 253 bytes");
  while (true) {
    const std::size_t dot = host.find('.');
    const std::string_view label = host.substr(0, dot);
    if (label.empty()) return refused("the host name has an empty part");
    if (label.size() > kMaxLabelBytes) return refused("a part of the host name is longer than 63 bytes");
    for (const char c : label) {
      if (!is_alnum(c) && c != '-' && c != '_') {
        return refused(std::string("the character ") + c + " is not allowed in a host name");
      }
    }
    if (label.front() == '-' || label.back() == '-') return refused("a part of the host name begins or ends with -");
    if (dot == std::string_view::npos) return {};
    host.remove_prefix(dot + 1);
  }
}

struct Authority {
  std::string host;
  int port = 0;  // 0: none was given
};

// Takes "host", "host:port", "[v6]" or "[v6]:port" apart.
Result<Authority> check_authority(std::string_view authority) {
  if (authority.find('@') != std::string_view::npos) {
    return refused("a user name or password in the URL is not allowed");
  }
  std::string host;
  std::string_view after;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return refused("the IPv6 address has no closing bracket");
    host = authority.substr(1, close - 1);
    after = authority.substr(close + 1);
    in6_addr ignored{};
    if (inet_pton(AF_INET6, host.c_str(), &ignored) != 1) return refused("the IPv6 address is malformed");
    if (!after.empty() && after.front() != ':') return refused("something follows the IPv6 address");
  } else {
    const std::size_t colon = authority.find(':');
    host = authority.substr(0, colon);
    if (colon != std::string_view::npos) after = authority.substr(colon);
    if (host.empty()) return refused("the host is missing");
    // "javascript:…" and the like look like a host with a strange port; say what is really wrong.
    if (after.size() > 1 && !is_digit(after[1])) return refused("the scheme must be http or https");
    if (auto name = check_name(host); !name) return name.error();
  }
  if (after == ":") return refused("the port after : is missing");
  if (after.empty()) return Authority{std::move(host), 0};
  const auto port = check_port(after.substr(1));
  if (!port) return port.error();
  return Authority{std::move(host), *port};
}

}  // namespace

Result<CallbackUrl> parse_callback_url(std::string_view text) {
  if (text.empty()) return refused("the URL is empty");
  if (auto problem = forbidden_character(text)) return *problem;
  const auto parts = split_scheme(text);
  if (!parts) return parts.error();
  auto authority = check_authority(parts->rest.substr(0, parts->rest.find_first_of("/?")));
  if (!authority) return authority.error();
  if (authority->port == 0) authority->port = parts->scheme == "https" ? 443 : 80;
  std::string url = std::string(parts->scheme) + "://" + std::string(parts->rest);
  if (url.size() > kMaxCallbackBytes) {
    return refused("the URL has " + std::to_string(url.size()) + " bytes; at most " +
                   std::to_string(kMaxCallbackBytes) + " are allowed");
  }
  return CallbackUrl{std::move(url), std::move(authority->host), authority->port};
}

std::string callback_receiver(std::string_view url) {
  const bool tls = url.starts_with("https://");
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  const std::string_view authority = url.substr(0, url.find_first_of("/?"));
  const std::size_t colon = authority.find(':', authority.starts_with('[') ? authority.find(']') : 0);
  std::string_view host = authority.substr(0, colon);
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::string_view port = colon == std::string_view::npos ? (tls ? "443" : "80") : authority.substr(colon + 1);
  return to_lower(host) + ":" + std::string(port);
}

}  // namespace vodlift
