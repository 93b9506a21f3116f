// A Retry-After header: whatever it says, the wait is from 0 to one day.
#include "callback/http_callback_sender.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto now = vodlift::from_unix_ms(1'795'000'000'000);
  const auto wait = vodlift::callback::parse_retry_after(vodlift::fuzz::text_of(data, size), now);
  if (!wait) return 0;
  vodlift::fuzz::require(wait->count() >= 0 && *wait <= vodlift::callback::kMaxRetryAfter, "0 s to 24 h");
  return 0;
}
