// Which addresses an outgoing connection may reach: public ones only, unless the operator allows more (SSRF guard).
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>
#include <vector>

#include "base/network.h"

namespace vodlift::net {

using vodlift::Network;
using vodlift::parse_network;

// Judges addresses; immutable, any thread.
class AddressGuard {
 public:
  // Refuses everything that is not a public unicast address (loopback, private, link-local, carrier-grade NAT,
  // documentation, benchmarking, multicast, reserved, and IPv6 forms that embed IPv4), except what lies in `allowed`.
  // An IPv4-mapped address (::ffff:a.b.c.d) is judged as the IPv4 address it is, also by `allowed`; other embeddings
  // (NAT64, 6to4, Teredo) are refused whatever they embed.
  explicit AddressGuard(std::vector<Network> allowed);

  // Why `address` is refused ("127.0.0.1 is a loopback address …"), with the setting that would allow it; nothing when
  // it may be reached. Anything but IPv4 and IPv6 is refused.
  [[nodiscard]] std::optional<std::string> refusal(const sockaddr* address) const;

  // The same for a host that is an address in any spelling the resolver takes ("127.1", "0x7f000001", "[::1]"), without
  // asking the network; nothing for names, except localhost and *.localhost, which are loopback by definition.
  [[nodiscard]] std::optional<std::string> literal_refusal(const std::string& host) const;

 private:
  std::vector<Network> allowed_;
};

}  // namespace vodlift::net
