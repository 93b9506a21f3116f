#include "base/network.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>

#include "base/encoding.h"

namespace vodlift {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

Error not_a_network(std::string_view text, std::string_view why) {
  return {Errc::invalid_value, fmt::format("\"{}\" is no network: {}", printable(text), why)};
}

// The address exactly as it is written.
std::optional<Address> read_address(std::string_view text) {
  Address out;
  out.v6 = text.find(':') != std::string_view::npos;
  const std::string host(text);
  if (text.find('\0') != std::string_view::npos ||
      ::inet_pton(out.v6 ? AF_INET6 : AF_INET, host.c_str(), out.bytes.data()) != 1) {
    return std::nullopt;
  }
  return out;
}

}  // namespace

Address Address::unmapped() const {
  if (!v6 || !std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin())) return *this;
  Address out;
  std::copy_n(bytes.begin() + 12, 4, out.bytes.begin());
  return out;
}

std::optional<Address> parse_address(std::string_view text) {
  const auto address = read_address(text);
  if (!address) return std::nullopt;
  return address->unmapped();
}

std::string to_string(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), text.data(), text.size());
  return text.data();
}

bool Network::contains(const Address& address) const {
  if (v6 != address.v6) return false;
  const auto whole = static_cast<std::size_t>(prefix / 8);
  if (!std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(whole), address.bytes.begin())) {
    return false;
  }
  const int rest = prefix % 8;
  return rest == 0 || (bytes[whole] ^ address.bytes[whole]) >> (8 - rest) == 0;
}

Result<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = read_address(text.substr(0, slash));
  if (!address) return not_a_network(text, "write an address and a prefix length, like 10.0.0.0/8 or fd00::/8");
  const int bits = address->v6 ? 128 : 32;
  Network out{address->bytes, address->v6, bits};
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), out.prefix);
    if (failed != std::errc() || end != digits.data() + digits.size() || out.prefix < 0 || out.prefix > bits) {
      return not_a_network(text, fmt::format("the prefix length must be 0 to {}", bits));
    }
  }
  for (int bit = out.prefix; bit < bits; ++bit) {
    if ((out.bytes[static_cast<std::size_t>(bit / 8)] >> (7 - bit % 8) & 1) != 0) {
      return not_a_network(text, fmt::format("it has bits set behind the first {}", out.prefix));
    }
  }
  const Address unmapped = address->unmapped();
  if (unmapped.v6 != out.v6 && out.prefix >= 96) return Network{unmapped.bytes, false, out.prefix - 96};
  return out;
}

std::string to_string(const Network& network) {
  return fmt::format("{}/{}", to_string(Address{network.bytes, network.v6}), network.prefix);
}

}  // namespace vodlift
