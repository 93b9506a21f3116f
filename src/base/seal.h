// Secrets at rest: encrypted and authenticated under the master key (libsodium secretbox).
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace vodlift {

// Seals and opens secrets. Immutable after construction: any thread.
class Seal {
 public:
  static constexpr std::size_t kKeyBytes = 32;

  // `master_key`: kKeyBytes raw bytes (asserted); see load_or_create_master_key().
  explicit Seal(Secret master_key);

  // The sealed form of `secret`: a version byte, a random nonce, the ciphertext. `context` says where the value
  // belongs ("api_keys.secret:KEY"); it is not stored, but the value opens only with the same one, so that a sealed
  // value copied into another row or column is of no use.
  [[nodiscard]] std::string seal(const Secret& secret, std::string_view context) const;

  // The inverse. Errors: seal_broken (another master key, another context, or damaged bytes; it cannot say which).
  [[nodiscard]] Result<Secret> open(std::string_view sealed, std::string_view context) const;

 private:
  [[nodiscard]] Secret key_for(std::string_view context) const;

  Secret master_key_;
};

}  // namespace vodlift
