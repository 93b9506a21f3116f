#include "panel/front.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace vodlift::panel {
namespace {

constexpr std::string_view kApi = "/api/";

// By each of these a proxy says that it is one.
constexpr std::array<std::string_view, 4> kProxyHeaders = {"x-forwarded-for", "forwarded", "x-real-ip", "via"};

// Host and port as they stand in an address or a Host header, in lower case; without the port that the scheme implies.
std::string host_of_url(std::string_view url) {
  const std::size_t end = url.find("://");
  if (end == std::string_view::npos) return {};
  std::string host = to_lower(url.substr(end + 3));
  const std::string_view implied = url.starts_with("https") ? ":443" : ":80";
  if (host.ends_with(implied)) host.resize(host.size() - implied.size());
  return host;
}

std::string_view without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const std::size_t bracket = host.rfind(']');
  if (colon == std::string_view::npos) return host;
  return bracket == std::string_view::npos || colon > bracket ? host.substr(0, colon) : host;
}

bool is_page(std::string_view target) {
  constexpr std::string_view kWithoutSlash = "/panel";
  return target.starts_with(kPath) || target.substr(0, target.find('?')) == kWithoutSlash;
}

// A browser that opens the listener's address itself.
bool asks_for_first_page(const net::Request& request) {
  return request.target == "/" && request.method == "GET" &&
         request.header("accept").find("text/html") != std::string_view::npos;
}

}  // namespace

bool is_loopback_name(std::string_view host) {
  const auto in_address = [](char c) { return is_digit(c) || c == '.'; };
  return host == "localhost" || host == "[::1]" || (host.starts_with("127.") && std::ranges::all_of(host, in_address));
}

bool is_panel_url(std::string_view text) {
  const std::string host = host_of_url(text);
  const auto fits = [](char c) {
    return is_lower(c) || is_digit(c) || std::string_view("-.:[]").find(c) != std::string_view::npos;
  };
  return (text.starts_with("https://") || text.starts_with("http://")) && !host.empty() &&
         std::ranges::all_of(host, fits);
}

Front::Front(Showing showing, Site site, net::Handler api, const std::string& url)
    : showing_(showing), site_(site), api_(std::move(api)), host_(host_of_url(url)) {}

bool Front::is_own_name(const net::Request& request) const {
  const std::string host = to_lower(request.header("host"));
  const std::string_view name = without_port(host);
  if (showing_ == Showing::beside_api) return is_loopback_name(name);
  return host_.empty() || host == host_ || name == host_ || is_loopback_name(name);
}

bool Front::takes(const net::Request& request) const {
  const std::string_view target = request.target;
  if (showing_ == Showing::alone) return true;
  if (!target.starts_with(kApi) && !is_page(target) && !asks_for_first_page(request)) return false;
  const bool through_proxy =
      std::ranges::any_of(kProxyHeaders, [&](std::string_view name) { return !request.header(name).empty(); });
  return !through_proxy && is_own_name(request);
}

void Front::handle(net::Request request, net::Responder respond) const {
  net::Responder protecting = [respond = std::move(respond)](net::Response response) {
    protect(response);
    respond(std::move(response));
  };
  if (!is_own_name(request)) {
    net::Response response;
    response.status = 421;
    response.content_type = "text/plain; charset=utf-8";
    response.body = "The Control Panel does not have this name. Open it by the address in [panel] url.\n";
    return protecting(std::move(response));
  }
  if (request.target.starts_with(kApi)) return api_(std::move(request), std::move(protecting));
  if (request.target != "/" && !is_page(request.target)) {
    net::Response response;
    response.status = 404;
    response.content_type = "text/plain; charset=utf-8";
    response.body = "The Control Panel is at /panel/, its API at /api/v1.\n";
    return protecting(std::move(response));
  }
  protecting(site_.answer(request));
}

}  // namespace vodlift::panel
