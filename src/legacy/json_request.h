// The text of a request, read once and strictly.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "base/error.h"

namespace vodlift::legacy {

struct JsonRequest {
  boost::json::value root;  // an object; lives in the memory given to parse_json_request()
  std::string signed_text;  // the received bytes without the top-level member `signature`

  [[nodiscard]] const boost::json::object& fields() const { return root.get_object(); }
};

// Parses `text` by RFC 8259 and I-JSON: one object, valid UTF-8, no lone surrogates, no name twice at any depth, no
// \u0000, no number beyond a double, and the limits of json_scanner.h. Errors: invalid_value, telling what and where.
Result<JsonRequest> parse_json_request(std::string_view text, boost::json::storage_ptr memory);

}  // namespace vodlift::legacy
