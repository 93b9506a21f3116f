// JSON as the doors take it: what has more than one reading is refused.
#pragma once

#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <string_view>

#include "base/error.h"

namespace vodlift::door {

inline constexpr std::size_t kMaxJsonDepth = 16;

// How many members all objects of `text` have together, which must be JSON: its colons outside strings.
std::size_t count_json_members(std::string_view text);

// Parses `text` by RFC 8259 and I-JSON: valid UTF-8, no lone surrogates, no name twice in one object at any depth, no
// \u0000, no number beyond a double, kMaxJsonDepth levels. `members`: count_json_members(text), for callers that have
// counted them already. Errors: invalid_value; the message says what and where.
Result<boost::json::value> parse_json(std::string_view text, boost::json::storage_ptr memory, std::size_t members);
inline Result<boost::json::value> parse_json(std::string_view text) {
  return parse_json(text, {}, count_json_members(text));
}

}  // namespace vodlift::door
