// The trace of an upload: the number by which its log lines, its requests to the store and its callback belong
// together, also with what the client's own systems know (W3C Trace Context).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vodlift {

// Hex digits are lower-case. Neither `id` nor `parent` is all zeros.
struct Trace {
  std::string id{};      // 32 hex digits; empty: not known
  std::string parent{};  // 16 hex digits: the client's span that asked for the upload; empty: the trace began here
  bool sampled = true;   // spans of it are wanted

  bool operator==(const Trace&) const = default;
};

// Reads the request header `traceparent`, "00-ID-PARENT-FLAGS"; of later versions what this one knows. Nothing: the
// header is empty or faulty, and counts as if it had not been sent.
std::optional<Trace> parse_traceparent(std::string_view header);

// The header for a request that is made in the span `span` (16 hex digits).
std::string traceparent(const Trace& trace, std::string_view span);

// The trace of an upload whose client sent none. `token`: that of the upload, which is random.
Trace trace_of_token(std::string_view token);

// As it is kept with the upload: "ID-PARENT-FLAGS". Reading answers nothing for any other text.
std::string trace_text(const Trace& trace);
std::optional<Trace> trace_from_text(std::string_view text);

// The span of this name in the trace: 16 hex digits, the same each time, so that it need not be kept.
std::string span_id(const Trace& trace, std::string_view name);

}  // namespace vodlift
