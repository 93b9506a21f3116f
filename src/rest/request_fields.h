// The fields of a REST request, gathered from its path, its query and its body.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "core/field_spec.h"
#include "net/http_server.h"
#include "rest/route_table.h"

namespace vodlift::rest {

// The bytes that %XX stand for; with `plus`, + is a space. Nothing: a % without two digits, or no valid UTF-8.
std::optional<std::string> uri_decode(std::string_view text, bool plus);

// The path and the query of a target; the query is empty where there is none.
std::pair<std::string_view, std::string_view> split_target(std::string_view target);

// One object of all fields. Those of the path and the query get the type of their spec: numbers, flags, and lists whose
// entries stand between commas. A text that does not fit stays a text, and door::Fields refuses it. The body is one
// JSON object that door::parse_json() takes, and only where the method is not GET or DELETE.
// Errors: bad_request (an encoding, the body's form), invalid_value (a name is given twice), unsupported_media_type.
Result<boost::json::object> gather_fields(const RouteMatch& match, const net::Request& request);

}  // namespace vodlift::rest
