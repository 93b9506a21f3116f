// What the routes of callbacks and the events share.
#pragma once

#include <boost/json/object.hpp>

#include "core/callback_history.h"

namespace vodlift::rest {

// The callback as every caller who may see it reads it.
boost::json::object callback_json(const CallbackView& callback);

}  // namespace vodlift::rest
