// One value against its field's spec.
#pragma once

#include <boost/json/value.hpp>

#include "base/error.h"
#include "legacy/field_spec.h"

namespace vodlift::legacy {

// Errors: invalid_value; the message begins with the field's name and tells what is allowed.
Result<> check_field(const FieldSpec& spec, const boost::json::value& value);

}  // namespace vodlift::legacy
