#include "app/doors.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "app/capacity.h"
#include "app/process.h"
#include "core/principal.h"
#include "legacy/reply.h"

namespace vodlift::app {
namespace {

net::HttpServerLimits admin_limits() {
  net::HttpServerLimits limits;
  limits.streams = 128;
  limits.connections = 64 + limits.streams;
  return limits;
}

std::size_t memory_bytes(const Config::Limits& limits) {
  return static_cast<std::size_t>(limits.memory_mib) * 1024 * 1024;
}

net::HttpServerLimits public_limits(const Config& config, std::size_t connections) {
  net::HttpServerLimits limits;
  limits.connections = connections;
  limits.connections_per_address = static_cast<std::size_t>(config.server.connections_per_address);
  limits.memory_bytes = memory_bytes(config.limits);
  return limits;
}

}  // namespace

Result<PassedSockets> take_sockets(ServiceManager& manager, Config& config) {
  PassedSockets sockets;
  struct Row {
    std::string_view name;
    UniqueFd& socket;
    std::string& listen;
  };
  for (const Row& one :
       {Row{"api", sockets.api, config.server.listen}, Row{"panel", sockets.panel, config.panel.listen},
        Row{"metrics", sockets.metrics, config.metrics.listen}}) {
    one.socket = manager.take_socket(one.name);
    if (!one.socket.valid()) continue;
    auto address = net::listening_address(one.socket);
    if (!address) return with_context(fmt::format("socket {}", one.name), address.error());
    one.listen = std::move(*address);
  }
  if (const std::string left = manager.sockets_left(); !left.empty()) {
    return Error{
        Errc::config_invalid,
        fmt::format("sockets of unknown names were passed on: {}; FileDescriptorName= is one of api, panel, metrics",
                    left)};
  }
  if (sockets.api.valid() && !config.server.roles.api) {
    return Error{
        Errc::config_invalid,
        "socket api was passed on, but [server] roles has no \"api\": disable the unit vodlift.socket, or add the "
        "role"};
  }
  if (sockets.panel.valid() && !is_loopback(config.panel.listen) && config.server.tls_certificate.empty()) {
    return Error{
        Errc::config_invalid,
        "socket panel: passwords would cross the network unencrypted: give [server] tls_certificate and tls_key"};
  }
  return sockets;
}

Doors::Doors(const Config& config, std::size_t connections, const Behind& behind, const Build& build)
    : config_(config),
      admin_server_(
          "admin-http", admin_limits(), 1,
          [this, &rest = behind.administration](net::Request request, net::Responder respond) {
            if (MonitoringDoor::takes(request)) return monitoring_.handle(request, std::move(respond));
            rest.handle({socket_principal()}, std::move(request), std::move(respond));
          },
          rest::RestApi::fault),
      panel_door_(config,
                  [&gate = behind.panel](net::Request request, net::Responder respond) {
                    gate.handle(std::move(request), std::move(respond));
                  }),
      public_server_(
          "http", public_limits(config, connections), static_cast<std::size_t>(config.server.threads),
          [this, &router = behind.api](net::Request request, net::Responder respond) {
            if (panel_door_.takes(request)) return panel_door_.handle(std::move(request), std::move(respond));
            router.handle(std::move(request), std::move(respond));
          },
          legacy::fault, config.server.trusted_proxies),
      metrics_(behind.metrics, {{"api", public_server_}, {"administration", admin_server_}}, build),
      monitoring_(config.metrics.listen, metrics_, behind.monitor) {}

Result<> Doors::listen(PassedSockets sockets) {
  const Config::Server& server = config_.server;
  if (auto listening = admin_server_.listen_unix(server.admin_socket.string()); !listening) {
    return with_context("[server] admin_socket", listening.error());
  }
  if (server.roles.api && has_tls()) {
    auto tls = public_server_.use_tls(server.tls_certificate.string(), server.tls_key.string());
    if (!tls) return with_context("[server] tls_certificate and tls_key", tls.error());
  }
  Result<> listening;
  if (server.roles.api) {
    listening =
        sockets.api.valid() ? public_server_.adopt(std::move(sockets.api)) : public_server_.listen(server.listen);
  }
  if (!listening) return with_context("[server] listen", listening.error());
  if (listening = panel_door_.listen(std::move(sockets.panel)); !listening) {
    return with_context("[panel] listen", listening.error());
  }
  if (listening = monitoring_.listen(std::move(sockets.metrics)); !listening) {
    return with_context("[metrics] listen", listening.error());
  }
  return {};
}

void Doors::start() {
  admin_server_.start();
  panel_door_.start();
  if (config_.server.roles.api) public_server_.start();
  monitoring_.start();
}

void Doors::stop_clients() {
  monitoring_.begin_stop();
  public_server_.stop(kApiGrace);
  panel_door_.stop(kPanelGrace);
}

void Doors::stop() {
  admin_server_.stop(kAdminGrace);
  monitoring_.stop(kMonitoringGrace);
}

void Doors::use(const Config& next) {
  public_server_.limit_memory(memory_bytes(next.limits));
  public_server_.trust(next.server.trusted_proxies);
  // Where the file does not say the number, it is what other work leaves.
  if (const auto clients = client_connections(next, open_files_limit())) public_server_.limit_connections(*clients);
  panel_door_.trust(next.server.trusted_proxies);
}

Result<> Doors::reload_certificates() {
  if (!has_tls()) return {};
  if (auto loaded = config_.server.roles.api ? public_server_.reload_certificate() : Result<>(); !loaded) return loaded;
  return panel_door_.reload_certificate();
}

std::string Doors::api_url() const { return fmt::format("{}://{}", has_tls() ? "https" : "http", api_address()); }

std::string Doors::metrics_url() const {
  const std::string own = monitoring_.address();
  return own.empty() ? own : fmt::format("http://{}/metrics", own);
}

}  // namespace vodlift::app
