// What the routes of callbacks and the events share.
#pragma once

#include <boost/json/object.hpp>

#include "core/callback_history.h"
#include "core/principal.h"

namespace vodlift::rest {

struct Context;

// See DisabledReceivers.
bool is_disabled(const Context& context, const CallbackReceiver& one);

// The callback as somebody with this role reads it, with `actions`: what the role may do with it now.
boost::json::object callback_json(const CallbackView& callback, Role role);

}  // namespace vodlift::rest
