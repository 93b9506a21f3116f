// Hashes of passwords: argon2id of libsodium.
#pragma once

#include <cstddef>

#include "core/password_hasher.h"

namespace vodlift::store {

// Immutable after construction.
class Argon2Hasher final : public PasswordHasher {
 public:
  // The second choice of RFC 9106, with one lane as libsodium computes it: the first one's 2 GiB do not suit a server
  // that has uploads to run.
  struct Cost {
    unsigned long long passes = 3;
    std::size_t memory_bytes = std::size_t{64} * 1024 * 1024;  // from 8 KiB, whole KiB
  };

  Argon2Hasher() : Argon2Hasher(Cost{}) {}
  explicit Argon2Hasher(const Cost& cost);

  [[nodiscard]] Result<Secret> hash(const Secret& password) const override;
  [[nodiscard]] Result<bool> matches(const Secret& hash, const Secret& password) const override;
  [[nodiscard]] bool is_outdated(const Secret& hash) const override;
  [[nodiscard]] Secret decoy() const override;

 private:
  const Cost cost_;
};

}  // namespace vodlift::store
