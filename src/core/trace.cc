#include "core/trace.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"

namespace vodlift {
namespace {

constexpr std::size_t kIdDigits = 32;
constexpr std::size_t kSpanDigits = 16;
constexpr std::size_t kTraceBytes = kIdDigits + 1 + kSpanDigits + 1 + 2;  // "ID-PARENT-FLAGS"

bool is_lower_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_number_of_trace(std::string_view text) {
  return is_lower_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

// The first hex digits of a hash; a hash of zeros alone does not come.
std::string digits_of(std::string_view text, std::size_t digits) {
  return to_hex(sha256(bytes_of(text))).substr(0, digits);
}

}  // namespace

std::optional<Trace> trace_from_text(std::string_view text) {
  if (text.size() != kTraceBytes || text[kIdDigits] != '-' || text[kIdDigits + 1 + kSpanDigits] != '-') {
    return std::nullopt;
  }
  const std::string_view id = text.substr(0, kIdDigits);
  const std::string_view parent = text.substr(kIdDigits + 1, kSpanDigits);
  const std::string_view flags = text.substr(kTraceBytes - 2);
  if (!is_number_of_trace(id) || !is_number_of_trace(parent) || !is_lower_hex(flags)) return std::nullopt;
  const char last = flags.back();
  const int bits = last <= '9' ? last - '0' : last - 'a' + 10;
  return Trace{std::string(id), std::string(parent), (bits & 1) != 0};
}

std::optional<Trace> parse_traceparent(std::string_view header) {
  constexpr std::size_t kVersionBytes = 3;  // "00-"
  header = trimmed(header, " \t");
  if (header.size() < kVersionBytes + kTraceBytes || header[2] != '-') return std::nullopt;
  const std::string_view version = header.substr(0, 2);
  const std::string_view more = header.substr(kVersionBytes + kTraceBytes);
  if (!is_lower_hex(version) || version == "ff") return std::nullopt;
  // Later versions may have more behind it.
  if (!more.empty() && (version == "00" || more.front() != '-')) return std::nullopt;
  return trace_from_text(header.substr(kVersionBytes, kTraceBytes));
}

std::string trace_text(const Trace& trace) {
  return joined({trace.id, "-", trace.parent, "-", trace.sampled ? "01" : "00"});
}

std::string traceparent(const Trace& trace, std::string_view span) {
  return joined({"00-", trace.id, "-", span, "-", trace.sampled ? "01" : "00"});
}

Trace trace_of_token(std::string_view token) { return {digits_of(token, kIdDigits)}; }

std::string span_id(const Trace& trace, std::string_view name) {
  return digits_of(joined({trace.id, " ", name}), kSpanDigits);
}

}  // namespace vodlift
