// Port: hashes of passwords that are slow to compute, so that a stolen database does not give them away.
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace vodlift {

// A hash is one text with its parameters and its salt in it. Any thread; hash() and matches() compute for a good part
// of a second and need much memory meanwhile (PasswordPlaces bounds how many do so at once).
class PasswordHasher {
 public:
  PasswordHasher() = default;
  PasswordHasher(const PasswordHasher&) = delete;
  PasswordHasher& operator=(const PasswordHasher&) = delete;
  virtual ~PasswordHasher() = default;

  // Errors: overloaded (no memory).
  [[nodiscard]] virtual Result<Secret> hash(const Secret& password) const = 0;
  // Computes with the parameters that `hash` names. Errors: overloaded (no memory), store_corrupt (not such a hash).
  [[nodiscard]] virtual Result<bool> matches(const Secret& hash, const Secret& password) const = 0;
  // Whether hash() would use other parameters than those of `hash`. Quick.
  [[nodiscard]] virtual bool is_outdated(const Secret& hash) const = 0;
  // A hash that no password matches, and that takes as long to find this out as one of hash() takes. Quick.
  [[nodiscard]] virtual Secret decoy() const = 0;
};

}  // namespace vodlift
