// What people and their browsers reach over TCP: the pages of the panel, and the REST API for people and programs.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "net/http_server.h"
#include "panel/site.h"

namespace vodlift::panel {

// How a listener shows the panel.
enum class Showing : std::uint8_t {
  beside_api,  // on the loopback listener of the legacy API: to this host's own users alone
  alone,       // on a listener of its own
};

// Finds out who answers a request. Any thread.
class Front {
 public:
  // `api` answers what begins with /api/; it finds out who asks. `url`: "https://panel.example.com", where people
  // find the panel through a proxy; empty: anywhere.
  Front(Showing showing, Site site, net::Handler api, const std::string& url);

  // Whether a request is for this front. Beside the API, a request that came through a proxy, or under a name that is
  // not this host's own, is not: a proxy that opens the API to the world must not open the panel with it.
  [[nodiscard]] bool takes(const net::Request& request) const;

  // Answers with the headers of protect(). A page under a foreign name is refused: it would belong to that name's
  // owner.
  void handle(net::Request request, net::Responder respond) const;

 private:
  [[nodiscard]] bool is_own_name(const net::Request& request) const;

  const Showing showing_;
  const Site site_;
  const net::Handler api_;
  const std::string host_;  // of the url; empty: any
};

// "https://panel.example.com" or "http://127.0.0.1:8090": scheme and host, with a port or without. Nothing else.
bool is_panel_url(std::string_view text);

// Whether a host name or address, without a port, is this host's own loopback: "localhost", "127.0.0.1", "[::1]".
bool is_loopback_name(std::string_view host);

}  // namespace vodlift::panel
