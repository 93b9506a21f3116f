// A callback URL: what is accepted is accepted again as it was completed, and means the same host.
#include <cstdlib>

#include "core/callback_url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto url = vodlift::parse_callback_url({reinterpret_cast<const char*>(data), size});
  if (!url) return 0;
  const auto again = vodlift::parse_callback_url(url->url);
  if (!again || again->url != url->url || again->host != url->host) std::abort();
  return 0;
}
