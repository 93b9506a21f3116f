// The ways into the daemon, each with its listener: the legacy API, the Control Panel with the REST API, the
// administration's socket, and monitoring.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "app/config.h"
#include "app/metrics_page.h"
#include "app/monitoring_door.h"
#include "app/panel_door.h"
#include "app/service_manager.h"
#include "base/error.h"
#include "base/file.h"
#include "core/store_health.h"
#include "legacy/router.h"
#include "net/http_server.h"
#include "rest/gate.h"
#include "rest/rest_api.h"

namespace vodlift::app {

// The sockets that systemd holds and passed on; one that is not valid was not.
struct PassedSockets {
  UniqueFd api;
  UniqueFd panel;
  UniqueFd metrics;
};

// Takes the sockets that were passed on. The configuration says their addresses from then on, for what is served where
// depends on it. Errors: config_invalid.
Result<PassedSockets> take_sockets(ServiceManager& manager, Config& config);

// Construct, listen, start, tick, stop_clients, stop: those from one thread; the others from any.
class Doors {
 public:
  // How long each may take until its listener is closed: the first two of stop_clients(), the last two of stop().
  static constexpr std::chrono::seconds kApiGrace{3};
  static constexpr std::chrono::seconds kPanelGrace{1};
  static constexpr std::chrono::seconds kAdminGrace{1};
  static constexpr std::chrono::seconds kMonitoringGrace{1};

  // Who answers.
  struct Behind {
    legacy::Router& api;
    rest::Gate& panel;
    rest::RestApi& administration;  // whoever comes over the socket is an admin
    MetricsPage::Sources metrics;
    const StoreMonitor& monitor;
  };

  // `connections` of clients of the legacy API. All given but `build` must outlive this.
  Doors(const Config& config, std::size_t connections, const Behind& behind, const Build& build);

  // Takes all addresses, those passed on in place of the configured ones; nobody is served yet. Errors: those of
  // HttpServer, with the setting's name.
  Result<> listen(PassedSockets sockets);
  // After listen().
  void start();
  // The process is alive: to be called every second or so.
  void tick() { monitoring_.tick(); }

  // Ends the legacy API and the panel; monitoring answers "not ready" from now on. May be called twice.
  void stop_clients();
  // After it: ends the administration's socket and monitoring. May be called twice.
  void stop();

  // What may change while they serve.
  void use(const Config& next);
  [[nodiscard]] bool has_tls() const { return !config_.server.tls_certificate.empty(); }
  // Reads the certificate's files again, if there are any. Errors: as HttpServer.
  Result<> reload_certificates();

  // These after listen().
  // "127.0.0.1:8080", of the legacy API, where the node has that role.
  [[nodiscard]] std::string api_address() const { return public_server_.address(); }
  [[nodiscard]] std::string api_url() const;
  [[nodiscard]] net::HttpServerLoad api_load() const { return public_server_.load(); }
  // Empty: the Control Panel is not served.
  [[nodiscard]] std::string panel_url() const { return panel_door_.url(api_address()); }
  // As PanelDoor::known_url().
  [[nodiscard]] std::string known_panel_url() const { return panel_door_.known_url(api_address()); }
  // Empty: only the administration's socket has them.
  [[nodiscard]] std::string metrics_url() const;

 private:
  const Config& config_;
  net::HttpServer admin_server_;
  PanelDoor panel_door_;
  net::HttpServer public_server_;
  const MetricsPage metrics_;
  MonitoringDoor monitoring_;
};

}  // namespace vodlift::app
