// The cookie that holds a session.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "net/http_server.h"

namespace vodlift::rest {

// A browser keeps a cookie with the prefix only if it came over HTTPS, for this host and for all of its paths; so no
// other host can give it a session.
inline constexpr std::string_view kCookie = "__Host-vodlift";
// For plain HTTP, which is served to this host's own users alone. Some browsers keep no Secure cookie from there.
inline constexpr std::string_view kPlainCookie = "vodlift";

// The session that the request shows. Nothing: none, or several, of which somebody else has set one.
std::optional<Secret> session_in(const net::Request& request, bool secure);

// The value of Set-Cookie: for this session, or, empty, to forget it. The cookie goes with the browser.
std::string session_cookie(const Secret& session, bool secure);

}  // namespace vodlift::rest
