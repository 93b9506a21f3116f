// The value of the form's field `php`: serialized, or JSON text.
#pragma once

#include <boost/json/storage_ptr.hpp>
#include <string_view>

#include "base/error.h"
#include "legacy/signed_request.h"

namespace vodlift::legacy {

// Reads `text` by its first bytes: `{` is JSON (parse_json_request()), `a:` an array that PHP serialized
// (php_parser.h), of which the fields are what a JSON client of the same array would have sent. Text must be UTF-8
// without NUL, as in JSON. Errors: invalid_value, telling what and where.
Result<SignedRequest> parse_php_request(std::string_view text, boost::json::storage_ptr memory);

}  // namespace vodlift::legacy
