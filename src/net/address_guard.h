// Which addresses and ports an outgoing connection may reach: public ones of other hosts, and the ports of HTTP, unless
// the operator allows more (SSRF guard).
#pragma once

#include <sys/socket.h>

#include <functional>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/network.h"
#include "net/own_address.h"

namespace vodlift::net {

using vodlift::Network;
using vodlift::parse_network;

// From `first` to `last`, 1..65535.
struct PortRange {
  int first = 0;
  int last = 0;
  bool operator==(const PortRange&) const = default;
};

// Judges addresses and ports; any thread.
class AddressGuard {
 public:
  using IsOwn = std::function<bool(const Address&)>;

  // Refuses everything that is not a public unicast address (loopback, private, link-local, carrier-grade NAT,
  // documentation, benchmarking, multicast, reserved, and IPv6 forms that embed IPv4), except what lies in `allowed`.
  // An IPv4-mapped address (::ffff:a.b.c.d) is judged as the IPv4 address it is, also by `allowed`; other embeddings
  // (NAT64, 6to4, Teredo) are refused whatever they embed. An address of this host (`is_own`) is refused as well,
  // public or not: what listens there may trust it. Ports: 80, 443 and `ports`.
  explicit AddressGuard(std::vector<Network> allowed, std::vector<PortRange> ports = {}, IsOwn is_own = is_own_address);

  // What is allowed besides, from now on.
  void use(std::vector<Network> allowed, std::vector<PortRange> ports);

  // Why `address` is refused ("127.0.0.1 is a loopback address …"), with the setting that would allow it; nothing when
  // it may be reached. Anything but IPv4 and IPv6 is refused.
  [[nodiscard]] std::optional<std::string> refusal(const sockaddr* address) const;

  // The same for a port.
  [[nodiscard]] std::optional<std::string> port_refusal(int port) const;

  // The same for a host that is an address in any spelling the resolver takes ("127.1", "0x7f000001", "[::1]"), without
  // asking the network; nothing for names, except localhost and *.localhost, which are loopback by definition.
  [[nodiscard]] std::optional<std::string> literal_refusal(const std::string& host) const;

 private:
  [[nodiscard]] bool is_allowed(const Address& address) const;

  mutable std::shared_mutex mutex_;  // guards the next two
  std::vector<Network> allowed_;
  std::vector<PortRange> ports_;
  const IsOwn is_own_;
};

}  // namespace vodlift::net
