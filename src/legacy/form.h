// The form of a legacy request: finds the field that holds the call, in both body formats.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace vodlift::legacy {

// The one field of a call.
struct Form {
  enum class Field { json, php };
  Field field = Field::json;
  std::string_view value;  // points into the body given to parse_form()
};

// Finds the field `json` or `php` in a multipart/form-data or application/x-www-form-urlencoded body; percent-encoding
// is resolved within `body` itself. Other fields are ignored. An empty body is a form without fields, whatever its
// type. `seen` is set to the field that was found, also on errors; nothing if none or both were found.
// Errors: missing_field (no such field), invalid_value (both, or one twice), unsupported_media_type,
// bad_request (malformed), too_large (over 16 fields).
Result<Form> parse_form(std::string_view content_type, std::string& body, std::optional<Form::Field>& seen);
inline Result<Form> parse_form(std::string_view content_type, std::string& body) {
  std::optional<Form::Field> seen;
  return parse_form(content_type, body, seen);
}

}  // namespace vodlift::legacy
