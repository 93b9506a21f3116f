// What the alerts are made of: the configuration, and what the REST API knows.
#pragma once

#include <chrono>

#include "alert/alert_watch.h"
#include "app/config.h"
#include "base/error.h"
#include "rest/route.h"

namespace vodlift::app {

// Of [alerts]. Reads the file with the secret. Errors: not_found, io_error, invalid_value; none shows the secret.
Result<alert::Options> alert_options(const Config& config);

// What needs a person now. Blocks as rest::find_needs(). A database that cannot be read is one of these.
alert::Findings find_alerts(const rest::Context& context, const alert::Thresholds& thresholds);

// What was done in the last 24 hours: as the hours of the statistics begin, so it may be up to 25.
alert::Day last_day(const rest::Context& context);

// That the clock was set.
AlertCause clock_stepped(std::chrono::milliseconds step, WallTime now);

}  // namespace vodlift::app
