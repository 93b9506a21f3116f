#include "rest/cookie.h"

#include <fmt/format.h>

#include "base/text.h"

namespace vodlift::rest {
namespace {

std::string_view name_of(bool secure) { return secure ? kCookie : kPlainCookie; }

}  // namespace

std::optional<Secret> session_in(const net::Request& request, bool secure) {
  std::optional<Secret> found;
  for (const auto& [header, value] : request.headers) {
    if (header != "cookie") continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::string_view pair = trimmed(rest.substr(0, rest.find(';')));
      rest.remove_prefix(std::min(rest.find(';'), rest.size() - 1) + 1);
      if (pair.substr(0, pair.find('=')) != name_of(secure)) continue;
      if (found) return std::nullopt;
      found.emplace(std::string(pair.substr(std::min(pair.find('=') + 1, pair.size()))));
    }
  }
  if (found && found->empty()) return std::nullopt;
  return found;
}

std::string session_cookie(const Secret& session, bool secure) {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict{}{}", name_of(secure), session.reveal(),
                     secure ? "; Secure" : "", session.empty() ? "; Max-Age=0" : "");
}

}  // namespace vodlift::rest
