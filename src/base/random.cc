#include "base/random.h"

#include <sodium.h>

#include "base/encoding.h"

namespace vodlift {

std::string random_bytes(std::size_t bytes) {
  std::string out(bytes, '\0');
  randombytes_buf(out.data(), out.size());
  return out;
}

std::string random_hex(std::size_t bytes) { return to_hex(bytes_of(random_bytes(bytes))); }

double random_unit() { return static_cast<double>(randombytes_random()) / 4294967296.0; }

}  // namespace vodlift
