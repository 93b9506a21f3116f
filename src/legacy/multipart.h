// multipart/form-data (RFC 7578), read strictly, and values of headers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace vodlift::legacy {

// A header's value with parameters: `form-data; name="json"`.
struct HeaderValue {
  std::string value;                                        // lower-case: "form-data"
  std::vector<std::pair<std::string, std::string>> params;  // names lower-case, each name once, quotes resolved

  // The parameter of that (lower-case) name; null when there is none.
  [[nodiscard]] const std::string* param(std::string_view name) const;
};

// Parses `text` by RFC 9110 section 5.6.6; a backslash in a quoted string escapes the next character. What old clients
// send is taken: a value without quotes may have any character but `"`, `,`, `;`, a backslash, spaces and control
// characters; a comma may follow the value; spaces may surround `=`. A parameter without quotes that is empty is left
// out. Nothing if it is malformed: a parameter twice, an open quote, more than 8 parameters.
std::optional<HeaderValue> parse_header_value(std::string_view text);

inline constexpr std::size_t kMaxFormFields = 16;

struct Part {
  std::string name;
  std::string_view value;  // points into the body
};

// The parts of `body` in their order; preamble and epilogue are skipped, file names are ignored.
// Refused: a boundary that is missing, over 70 bytes or not of printable ASCII (`"` and a backslash are none of it
// either); lines ended by LF only; a part without one `form-data` disposition and name; name* and a charset in the
// disposition; an encoding that changes the bytes (base64, quoted-printable); a charset of UTF-7, UTF-16, UTF-32 and
// UCS; no final boundary. Errors: bad_request, too_large (over kMaxFormFields parts, 8 headers in a part, 1 KiB in a
// header).
Result<std::vector<Part>> parse_multipart(std::string_view body, std::string_view boundary);

}  // namespace vodlift::legacy
