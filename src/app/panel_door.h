// Where the Control Panel and the REST API are reached over TCP.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "app/config.h"
#include "net/http_server.h"
#include "panel/front.h"

namespace vodlift::app {

// On a listener of its own where [panel] listen says; else on the API's listener, if that is loopback; else nowhere.
// Construct, listen, start, stop: those from one thread; takes() and handle() from any.
class PanelDoor {
 public:
  // `config` and what `api` uses must outlive this.
  PanelDoor(const Config& config, net::Handler api);

  // Whether a request to the API's listener is for this door.
  [[nodiscard]] bool takes(const net::Request& request) const { return beside_ && beside_->takes(request); }
  // After takes().
  void handle(net::Request request, net::Responder respond) const {
    beside_->handle(std::move(request), std::move(respond));
  }

  // Binds the listener of its own, if there is one, or takes over `socket`, if it is valid. Errors: those of
  // HttpServer.
  Result<> listen(UniqueFd socket = {});
  void start();
  void stop(std::chrono::milliseconds grace);
  // Reads the certificate's files again. Errors: as HttpServer.
  Result<> reload_certificate();
  // As HttpServer::trust().
  void trust(const std::vector<Network>& proxies);

  // "http://127.0.0.1:8080/panel/": what a person opens. `api`: the address of the API's listener. Empty: it is not
  // served. After listen().
  [[nodiscard]] std::string url(const std::string& api) const;
  // The same, for a link to give away. Empty also where it listens on all addresses and the configuration names none.
  [[nodiscard]] std::string known_url(const std::string& api) const;

 private:
  [[nodiscard]] bool has_tls() const { return !config_.server.tls_certificate.empty(); }

  const Config& config_;
  std::optional<panel::Front> beside_;
  std::optional<panel::Front> alone_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace vodlift::app
