// A callback URL: what is accepted is accepted again as it was completed, and means the same host.
#include "core/callback_url.h"
#include "require.h"

using vodlift::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto url = vodlift::parse_callback_url(vodlift::fuzz::text_of(data, size));
  if (!url) return 0;
  const auto again = vodlift::parse_callback_url(url->url);
  require(again && again->url == url->url && again->host == url->host, "a URL reads back as itself");
  return 0;
}
