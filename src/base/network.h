// IP addresses and networks, as text and compared.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace vodlift {

// An IPv4 or IPv6 address. A plain value.
struct Address {
  std::array<std::uint8_t, 16> bytes{};  // IPv4 in the first four
  bool v6 = false;

  // An IPv4-mapped address (::ffff:a.b.c.d) as the IPv4 address it is; any other as it is.
  [[nodiscard]] Address unmapped() const;
  bool operator==(const Address&) const = default;
};

// Reads "192.0.2.7" or "2001:db8::7", without brackets, zone or port; mapped ones are unmapped. Nothing for other text.
std::optional<Address> parse_address(std::string_view text);
std::string to_string(const Address& address);

// An IPv4 or IPv6 network: "10.0.0.0/8", "fd00::/8", or one address.
struct Network {
  std::array<std::uint8_t, 16> bytes{};  // IPv4 in the first four
  bool v6 = false;
  int prefix = 0;  // bits, 0..32 or 0..128

  // An address of the other kind is never inside.
  [[nodiscard]] bool contains(const Address& address) const;
  bool operator==(const Network&) const = default;
};

// Parses CIDR text; an IPv4-mapped IPv6 network becomes the IPv4 network it is.
// Errors: invalid_value (host bits set count as such).
Result<Network> parse_network(std::string_view text);
// "10.0.0.0/8"; parse_network() reads it.
std::string to_string(const Network& network);

}  // namespace vodlift
