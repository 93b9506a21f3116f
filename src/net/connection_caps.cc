#include "net/connection_caps.h"

#include <algorithm>

#include "base/text.h"

namespace vodlift::net {
namespace {

constexpr std::size_t kCustomerBytes = 8;  // an IPv6 /64

std::pair<bool, std::array<std::uint8_t, 16>> group_of(const Address& address) {
  std::pair group{address.v6, address.bytes};
  if (address.v6) std::fill(group.second.begin() + kCustomerBytes, group.second.end(), std::uint8_t{0});
  return group;
}

}  // namespace

bool ConnectionCaps::take(const Address& address) {
  if (each_ == 0) return true;
  const std::lock_guard lock(mutex_);
  std::size_t& count = counts_[group_of(address)];
  if (count >= each_) return false;
  ++count;
  return true;
}

void ConnectionCaps::release(const Address& address) {
  if (each_ == 0) return;
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(group_of(address));
  if (found != counts_.end() && --found->second == 0) counts_.erase(found);
}

std::string address_holder(const Address& address) {
  const auto [v6, bytes] = group_of(address);
  std::string name(1, v6 ? '6' : '4');
  return name.append(bytes.begin(), bytes.end());
}

bool is_within(const std::vector<Network>& networks, const Address& address) {
  return std::ranges::any_of(networks, [&](const Network& network) { return network.contains(address); });
}

Address client_address(const Request& request, const Address& socket, const std::vector<Network>& proxies) {
  if (!is_within(proxies, socket)) return socket;
  Address client = socket;
  for (auto header = request.headers.rbegin(); header != request.headers.rend(); ++header) {
    if (header->first != "x-forwarded-for") continue;
    std::string_view left = header->second;
    for (bool more = true; more;) {
      const std::size_t comma = left.rfind(',');
      more = comma != std::string_view::npos;
      const auto address = parse_address(trimmed(more ? left.substr(comma + 1) : left));
      if (!address) return socket;
      client = *address;
      if (!is_within(proxies, client)) return client;
      if (more) left = left.substr(0, comma);
    }
  }
  return client;
}

}  // namespace vodlift::net
