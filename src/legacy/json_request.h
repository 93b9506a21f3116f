// The text of a request, read once and strictly.
#pragma once

#include <boost/json/storage_ptr.hpp>
#include <string_view>

#include "base/error.h"
#include "legacy/signed_request.h"

namespace vodlift::legacy {

// Parses `text` by RFC 8259 and I-JSON: one object, valid UTF-8, no lone surrogates, no name twice at any depth, no
// \u0000, no number beyond a double, and the limits of json_scanner.h. Errors: invalid_value, telling what and where.
Result<SignedRequest> parse_json_request(std::string_view text, boost::json::storage_ptr memory);

}  // namespace vodlift::legacy
