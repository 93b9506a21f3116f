#include "app/panel_door.h"

#include <fmt/format.h>

#include "app/capacity.h"
#include "panel/site.h"
#include "rest/rest_api.h"

namespace vodlift::app {
namespace {

constexpr std::size_t kThreads = 1;

// People behind one address share its connections.
net::HttpServerLimits limits(const Config& config) {
  net::HttpServerLimits limits;
  limits.connections = panel_connections(config);
  limits.streams = limits.connections / 2;
  return limits;
}

}  // namespace

PanelDoor::PanelDoor(const Config& config, net::Handler api) : config_(config) {
  if (!config.panel.enabled) return;
  const panel::Site site(panel::assets());
  if (config.panel.listen.empty()) {
    if (is_loopback(config.server.listen)) beside_.emplace(panel::Showing::beside_api, site, std::move(api), "");
    return;
  }
  alone_.emplace(panel::Showing::alone, site, std::move(api), config.panel.url);
  server_ = std::make_unique<net::HttpServer>(
      "panel-http", limits(config), kThreads,
      [this](net::Request request, net::Responder respond) { alone_->handle(std::move(request), std::move(respond)); },
      [](Errc code, std::string_view message) {
        net::Response response = rest::RestApi::fault(code, message);
        panel::protect(response);
        return response;
      },
      config.server.trusted_proxies);
}

Result<> PanelDoor::listen(UniqueFd socket) {
  if (server_ == nullptr) return {};
  if (has_tls()) {
    auto tls = server_->use_tls(config_.server.tls_certificate.string(), config_.server.tls_key.string());
    if (!tls) return tls;
  }
  return socket.valid() ? server_->adopt(std::move(socket)) : server_->listen(config_.panel.listen);
}

void PanelDoor::start() {
  if (server_ != nullptr) server_->start();
}

void PanelDoor::stop(std::chrono::milliseconds grace) {
  if (server_ != nullptr) server_->stop(grace);
}

void PanelDoor::trust(const std::vector<Network>& proxies) {
  if (server_ != nullptr) server_->trust(proxies);
}

Result<> PanelDoor::reload_certificate() { return server_ == nullptr ? Result<>() : server_->reload_certificate(); }

std::string PanelDoor::url(const std::string& api) const {
  if ((!beside_ && !alone_) || panel::assets().empty()) return {};
  if (!config_.panel.url.empty()) return config_.panel.url + std::string(panel::kPath);
  return fmt::format("{}://{}{}", has_tls() ? "https" : "http", beside_ ? api : server_->address(), panel::kPath);
}

std::string PanelDoor::known_url(const std::string& api) const {
  const std::string own = server_ == nullptr ? std::string() : server_->address();
  const bool on_all = own.starts_with("0.0.0.0:") || own.starts_with("[::]:");
  return on_all && config_.panel.url.empty() ? std::string() : url(api);
}

}  // namespace vodlift::app
