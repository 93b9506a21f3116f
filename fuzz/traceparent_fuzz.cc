// The header traceparent of a request. A header that is read can be written, and is then read alike.
#include "core/trace.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto trace = vodlift::parse_traceparent(vodlift::fuzz::text_of(data, size));
  if (!trace) return 0;
  vodlift::fuzz::require(vodlift::parse_traceparent(vodlift::traceparent(*trace, trace->parent)) == trace,
                         "it can be sent on");
  vodlift::fuzz::require(vodlift::trace_from_text(vodlift::trace_text(*trace)) == trace, "it can be kept");
  return 0;
}
