// The signature of a request: base64(HMAC-SHA256(secret as ASCII text, the text without the signature)).
#pragma once

#include <string_view>

#include "base/hash.h"

namespace vodlift::legacy {

struct SignatureVerdict {
  bool matches = false;
  Sha256Digest mac{};  // of the text under this secret: names these signed bytes, whoever repeats them
};

// Compares `signature`, which must be canonical base64 of 32 bytes, with the HMAC of `text`. The HMAC is computed in
// any case and compared in constant time.
SignatureVerdict verify_signature(std::string_view text, std::string_view signature, std::string_view secret);

}  // namespace vodlift::legacy
