// A network in CIDR text and a host in any spelling: what is taken is bounded, and a guard never trips over either.
#include "net/address_guard.h"
#include "require.h"

using vodlift::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = vodlift::fuzz::text_of(data, size);
  const auto network = vodlift::net::parse_network(text);
  if (network) require(network->prefix >= 0 && network->prefix <= (network->v6 ? 128 : 32), "a prefix fits its family");
  const vodlift::net::AddressGuard guard({});
  (void)guard.literal_refusal(std::string(text));
  return 0;
}
