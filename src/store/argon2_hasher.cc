#include "store/argon2_hasher.h"

#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <string>

#include "base/encoding.h"
#include "base/random.h"

namespace vodlift::store {
namespace {

Error no_memory() { return {Errc::overloaded, "there is no memory to check a password; try again later"}; }

// As the text of a hash has it: without "=" at its end.
std::string unpadded(const std::string& bytes) {
  std::string text = to_base64(bytes_of(bytes));
  text.erase(text.find_last_not_of('=') + 1);
  return text;
}

}  // namespace

Argon2Hasher::Argon2Hasher(const Cost& cost) : cost_(cost) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium could not be initialised");
}

Result<Secret> Argon2Hasher::hash(const Secret& password) const {
  std::array<char, crypto_pwhash_STRBYTES> text{};
  const std::string_view bytes = password.reveal();
  if (crypto_pwhash_str_alg(text.data(), bytes.data(), bytes.size(), cost_.passes, cost_.memory_bytes,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return no_memory();
  }
  return Secret(std::string(text.data()));
}

Result<bool> Argon2Hasher::matches(const Secret& hash, const Secret& password) const {
  const std::string text(hash.reveal());
  const std::string_view bytes = password.reveal();
  errno = 0;
  if (crypto_pwhash_str_verify(text.c_str(), bytes.data(), bytes.size()) == 0) return true;
  const bool out_of_memory = errno == ENOMEM;
  // libsodium says EINVAL for another password as for a text that is no hash; needs_rehash tells the two apart.
  if (crypto_pwhash_str_needs_rehash(text.c_str(), cost_.passes, cost_.memory_bytes) < 0) {
    return Error{Errc::store_corrupt, "a stored hash of a password cannot be understood"};
  }
  if (out_of_memory) return no_memory();
  return false;
}

bool Argon2Hasher::is_outdated(const Secret& hash) const {
  return crypto_pwhash_str_needs_rehash(std::string(hash.reveal()).c_str(), cost_.passes, cost_.memory_bytes) != 0;
}

Secret Argon2Hasher::decoy() const {
  return Secret(fmt::format("$argon2id$v=19$m={},t={},p=1${}${}", cost_.memory_bytes / 1024, cost_.passes,
                            unpadded(random_bytes(16)), unpadded(random_bytes(32))));
}

}  // namespace vodlift::store
