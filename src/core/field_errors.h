// Errors about fields of a request, and what several rules for fields ask.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/text.h"

namespace vodlift {

inline Error invalid_field(std::string_view field, std::string_view why) {
  return {Errc::invalid_value, std::string(field) + ": " + std::string(why)};
}

inline Error field_too_long(std::string_view field, std::size_t bytes, std::size_t limit) {
  return invalid_field(field, std::to_string(bytes) + " bytes; at most " + std::to_string(limit) + " are allowed");
}

inline bool has_control(std::string_view text) { return std::ranges::any_of(text, is_control); }
inline bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return is_ascii(c); });
}

}  // namespace vodlift
