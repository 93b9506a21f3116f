// Which connections are counted together, and which client is behind a proxy.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/network.h"
#include "net/http_server.h"

namespace vodlift::net {

// Counts the connections of each address, IPv6 addresses by their /64: that is what one customer has. Holds one entry
// for each address that has a connection now. Internally locked.
class ConnectionCaps {
 public:
  // `each`: connections that one address may have; 0: any number.
  explicit ConnectionCaps(std::size_t each) : each_(each) {}

  // Takes a place. False when the address has as many as it may have. Each success needs one release().
  bool take(const Address& address);
  void release(const Address& address);

 private:
  using Group = std::pair<bool, std::array<std::uint8_t, 16>>;

  const std::size_t each_;
  std::mutex mutex_;
  std::map<Group, std::size_t> counts_;
};

// The name of an address in a ByteBudget: that of the group which ConnectionCaps counts.
std::string address_holder(const Address& address);

// Whether `address` lies in one of `networks`.
bool is_within(const std::vector<Network>& networks, const Address& address);

// The client of a request that came from `socket`. X-Forwarded-For is read only when `socket` is one of `proxies`. Then
// the client is the last of its values that is not a proxy, or the first value when all are proxies. When a value that
// is no plain address is met first, the client is `socket`, because the values before it cannot be trusted.
Address client_address(const Request& request, const Address& socket, const std::vector<Network>& proxies);

}  // namespace vodlift::net
