// How refusals of a request's fields are worded, for the files that hold the rules.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/error.h"

namespace vodlift {

inline Error invalid_field(std::string_view field, std::string_view why) {
  return {Errc::invalid_value, std::string(field) + ": " + std::string(why)};
}

inline Error field_too_long(std::string_view field, std::size_t bytes, std::size_t limit) {
  return invalid_field(field, std::to_string(bytes) + " bytes; at most " + std::to_string(limit) + " are allowed");
}

inline bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }
inline bool has_control(std::string_view text) { return std::ranges::any_of(text, is_control); }
inline bool is_ascii_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
// A character of a token, as HTTP defines it (RFC 9110 section 5.6.2): of names, never of separators.
inline bool is_token_char(char c) {
  return is_ascii_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
inline bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// HTTP drops white space around a header's value, so it is dropped here, where it can be seen.
inline std::string_view trimmed_spaces(std::string_view value) {
  const std::size_t first = value.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return value.substr(first, value.find_last_not_of(' ') - first + 1);
}

}  // namespace vodlift
