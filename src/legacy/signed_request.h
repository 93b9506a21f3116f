// A request as it was read, in either encoding, and the check of its signature:
// base64(HMAC-SHA256(secret as ASCII text, the text without the signature)).
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"

namespace vodlift::legacy {

struct SignedRequest {
  boost::json::value root;  // an object; lives in the memory given to the parser
  // Without the top-level `signature`. JSON: the received bytes. PHP: the array as json_encode() writes it. It
  // identifies the request, whichever rule it was signed by.
  std::string signed_text;
  // PHP only: the received bytes without the pair `signature`, with the array's count one less. The other text that a
  // client may sign.
  std::optional<std::string> signed_serialized;

  [[nodiscard]] const boost::json::object& fields() const { return root.get_object(); }
};

struct SignatureVerdict {
  bool matches = false;
  Sha256Digest mac{};  // of the text under this secret; a repeat has the same one
};

// Compares `signature`, which must be canonical base64 of 32 bytes, with the HMAC of `text`. The HMAC is always
// computed, and compared in constant time.
SignatureVerdict verify_signature(std::string_view text, std::string_view signature, std::string_view secret);

}  // namespace vodlift::legacy
