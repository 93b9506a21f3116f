#include "base/short_hash.h"

#include <sodium/crypto_shorthash.h>

#include <array>
#include <cstring>
#include <stdexcept>

namespace vodlift {

static_assert(kShortHashKeyBytes == crypto_shorthash_KEYBYTES);

std::uint64_t short_hash(std::string_view key, std::string_view text) {
  if (key.size() != kShortHashKeyBytes) throw std::invalid_argument("short_hash: the key must have 16 bytes");
  std::array<unsigned char, crypto_shorthash_BYTES> out{};
  crypto_shorthash(out.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                   reinterpret_cast<const unsigned char*>(key.data()));
  std::uint64_t number = 0;
  std::memcpy(&number, out.data(), sizeof number);
  return number;
}

}  // namespace vodlift
