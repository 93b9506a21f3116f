// A header's value with parameters: `form-data; name="json"`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vodlift::legacy {

struct HeaderValue {
  std::string value;                                        // lower-case: "form-data"
  std::vector<std::pair<std::string, std::string>> params;  // names lower-case, each name once, quotes resolved

  // The parameter of that (lower-case) name; null when there is none.
  [[nodiscard]] const std::string* param(std::string_view name) const;
};

// Takes `text` apart by RFC 9110 section 5.6.6; a backslash in a quoted string escapes the character behind it.
// Nothing for anything malformed: a parameter twice, an open quote, more than 8 parameters.
std::optional<HeaderValue> parse_header_value(std::string_view text);

// `text` with A-Z folded.
std::string ascii_lower(std::string_view text);

}  // namespace vodlift::legacy
