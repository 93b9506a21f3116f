// An upload as JSON: aws.status, the callback and the command line show the same object; the command line also shows
// what is for the operator alone.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "core/upload.h"

namespace vodlift {

// The object of docs/api.md, section "The upload object". Times are whole Unix seconds; a value that is not known yet
// is null. `now` is for eta_seconds.
boost::json::object to_json(const Upload& upload, WallTime now);

// The same for an operator: also the account (`cdn`), and the `detail` of an error, or null.
boost::json::object to_operator_json(const Upload& upload, WallTime now);
// As text without a line break.
std::string operator_json_line(const Upload& upload, WallTime now);

// The body of the callback of an ended upload: the API's envelope around to_json(). Every failure has a code; a
// cancellation without an error has the code of wrong_state.
std::string callback_body(const Upload& ended, WallTime now);

}  // namespace vodlift
