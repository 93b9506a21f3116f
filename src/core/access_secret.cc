#include "core/access_secret.h"

#include <string>

#include "base/encoding.h"
#include "base/random.h"

namespace vodlift {

AccessSecret make_access_secret(std::string_view prefix) {
  Secret text(std::string(prefix) + random_hex(32));
  const AccessHash hash = access_hash(text.reveal());
  return {std::move(text), hash};
}

AccessHash access_hash(std::string_view shown) { return sha256(bytes_of(shown)); }

Secret csrf_of(const Secret& session) {
  return Secret(to_hex(hmac_sha256(bytes_of(session.reveal()), bytes_of("vodlift csrf v1"))));
}

bool is_csrf_of(const Secret& session, std::string_view shown) {
  return equal_constant_time(bytes_of(csrf_of(session).reveal()), bytes_of(shown));
}

}  // namespace vodlift
