// multipart/form-data (RFC 7578), strictly.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace vodlift::legacy {

inline constexpr std::size_t kMaxFormFields = 16;

struct Part {
  std::string name;
  std::string_view value;  // points into the body
};

// The parts of `body` in their order; preamble and epilogue are skipped, file names are ignored.
// Refused: a boundary that is missing, over 70 bytes or of foreign characters; lines ended by LF only; a part without
// one `form-data` disposition and name; parameters other than name, filename, filename*; an encoding that changes the
// bytes (base64, quoted-printable); a charset that is no superset of ASCII; no final boundary.
// Errors: bad_request, too_large (over kMaxFormFields parts, 8 headers in a part, 1 KiB in a header).
Result<std::vector<Part>> parse_multipart(std::string_view body, std::string_view boundary);

}  // namespace vodlift::legacy
