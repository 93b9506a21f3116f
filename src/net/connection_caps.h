// Whose connections are counted together, and who is behind a proxy.
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

  // Takes a place; false where the address has all of its own already. Each success is paired with one release().
  bool take(const Address& address);
  void release(const Address& address);

 private:
  using Group = std::pair<bool, std::array<std::uint8_t, 16>>;
  static Group group_of(const Address& address);

  const std::size_t each_;
  std::mutex mutex_;
  std::map<Group, std::size_t> counts_;
};

// Whether `address` lies in one of `networks`.
bool is_within(const std::vector<Network>& networks, const Address& address);

// The client of a request that came over `socket`. Only where that is one of `proxies` X-Forwarded-For counts: of all
// its values together the last one that is not a proxy, or the first when all are. Wherever a value that is no plain
// address stands in the way, the answer is `socket`: what stands before it cannot be trusted.
Address client_address(const Request& request, const Address& socket, const std::vector<Network>& proxies);

}  // namespace vodlift::net
