#include "net/address_guard.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "base/encoding.h"
#include "base/text.h"

namespace vodlift::net {
namespace {

struct Special {
  std::string_view network;
  std::string_view what;  // "<address> <what>"
};

// The special-purpose blocks of RFC 6890 and its later additions, and the multicast and reserved blocks.
// The first match names the reason.
constexpr Special kSpecialV4[] = {
    {"0.0.0.0/8", "is an address of this host itself"},  {"10.0.0.0/8", "is a private address"},
    {"100.64.0.0/10", "is a carrier-grade NAT address"}, {"127.0.0.0/8", "is a loopback address"},
    {"169.254.0.0/16", "is a link-local address"},       {"172.16.0.0/12", "is a private address"},
    {"192.0.0.0/24", "is a protocol assignment"},        {"192.0.2.0/24", "is a documentation address"},
    {"192.88.99.0/24", "is a 6to4 relay address"},       {"192.168.0.0/16", "is a private address"},
    {"198.18.0.0/15", "is a benchmarking address"},      {"198.51.100.0/24", "is a documentation address"},
    {"203.0.113.0/24", "is a documentation address"},    {"224.0.0.0/4", "is a multicast address"},
    {"255.255.255.255/32", "is the broadcast address"},  {"240.0.0.0/4", "is a reserved address"},
};

constexpr Special kSpecialV6[] = {
    {"::/128", "is the unspecified address"},
    {"::1/128", "is a loopback address"},
    {"::/96", "is an IPv4-compatible address"},
    {"64:ff9b::/96", "is a NAT64 address"},
    {"64:ff9b:1::/48", "is a NAT64 address"},
    {"100::/64", "is a discard address"},
    {"2001::/32", "is a Teredo address"},
    {"2001::/23", "is a protocol assignment"},
    {"2001:db8::/32", "is a documentation address"},
    {"2002::/16", "is a 6to4 address"},
    {"3fff::/20", "is a documentation address"},
    {"5f00::/16", "is a segment-routing address"},
    {"fc00::/7", "is a private address"},
    {"fe80::/10", "is a link-local address"},
    {"fec0::/10", "is a site-local address"},
    {"ff00::/8", "is a multicast address"},
};

struct SpecialNetwork {
  Network network;
  std::string_view what;
};

const std::vector<SpecialNetwork>& special_networks() {
  static const std::vector<SpecialNetwork> all = [] {
    std::vector<SpecialNetwork> out;
    for (const Special& special : kSpecialV4) out.push_back({parse_network(special.network).value(), special.what});
    for (const Special& special : kSpecialV6) out.push_back({parse_network(special.network).value(), special.what});
    return out;
  }();
  return all;
}

std::optional<Address> address_of(const sockaddr* address) {
  Address out;
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    std::memcpy(out.bytes.data(), &v4.sin_addr, 4);
    return out;
  }
  if (address->sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 v6{};
  std::memcpy(&v6, address, sizeof v6);
  std::memcpy(out.bytes.data(), &v6.sin6_addr, 16);
  out.v6 = true;
  return out.unmapped();
}

std::string refusal_text(std::string_view who, std::string_view what) {
  return fmt::format(
      "{} {}, which callbacks may not reach; the operator can allow its network by [callback] allow_networks", who,
      what);
}

bool is_localhost(std::string_view host) {
  const std::string name = to_lower(host);
  return name == "localhost" || name.ends_with(".localhost");
}

}  // namespace

AddressGuard::AddressGuard(std::vector<Network> allowed, std::vector<PortRange> ports, IsOwn is_own)
    : allowed_(std::move(allowed)), ports_(std::move(ports)), is_own_(std::move(is_own)) {}

void AddressGuard::use(std::vector<Network> allowed, std::vector<PortRange> ports) {
  const std::unique_lock lock(mutex_);
  allowed_ = std::move(allowed);
  ports_ = std::move(ports);
}

bool AddressGuard::is_allowed(const Address& address) const {
  const std::shared_lock lock(mutex_);
  return std::any_of(allowed_.begin(), allowed_.end(),
                     [&](const Network& network) { return network.contains(address); });
}

std::optional<std::string> AddressGuard::port_refusal(int port) const {
  const auto holds = [port](const PortRange& range) { return range.first <= port && port <= range.last; };
  const std::shared_lock lock(mutex_);
  if (port == 80 || port == 443 || std::any_of(ports_.begin(), ports_.end(), holds)) return std::nullopt;
  return fmt::format(
      "callbacks may not reach port {}, only 80, 443 and what the operator allows by [callback] allow_ports", port);
}

std::optional<std::string> AddressGuard::refusal(const sockaddr* address) const {
  const auto judged = address_of(address);
  if (!judged) return "a callback may only go to an IPv4 or IPv6 address";
  const auto holds = [&](const auto& network) { return network.contains(*judged); };
  if (is_allowed(*judged)) return std::nullopt;
  for (const SpecialNetwork& special : special_networks()) {
    if (holds(special.network)) return refusal_text(to_string(*judged), special.what);
  }
  // So far IANA has assigned addresses in 2000::/3 only; those outside are unassigned or private.
  const bool global_unicast = !judged->v6 || (judged->bytes[0] & 0xE0) == 0x20;
  if (!global_unicast) return refusal_text(to_string(*judged), "is not a global unicast address");
  if (is_own_(*judged)) return refusal_text(to_string(*judged), "is an address of this host itself");
  return std::nullopt;
}

std::optional<std::string> AddressGuard::literal_refusal(const std::string& host) const {
  std::string bare = host;
  if (bare.size() >= 2 && bare.front() == '[' && bare.back() == ']') bare = bare.substr(1, bare.size() - 2);
  if (bare.ends_with('.')) bare.pop_back();
  // A zone ("%eth0") says on which interface; whether the address is link-local shows without it.
  if (bare.find(':') != std::string::npos) bare = bare.substr(0, bare.find('%'));
  if (is_localhost(bare)) {
    sockaddr_in loopback{};
    loopback.sin_family = AF_INET;
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!refusal(reinterpret_cast<const sockaddr*>(&loopback))) return std::nullopt;
    return refusal_text(printable(host), "is a loopback name");
  }
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (bare.empty() || ::getaddrinfo(bare.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (auto refused = refusal(each->ai_addr)) return refused;
  }
  return std::nullopt;
}

}  // namespace vodlift::net
