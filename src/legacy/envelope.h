// The JSON every answer of the legacy API is wrapped in.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http_server.h"

namespace vodlift::legacy {

using SteadyDuration = std::chrono::steady_clock::duration;

// {"message":…,"status":"success","data":…,"handle_time":seconds}
std::string success_body(std::string_view message, const boost::json::value& data, SteadyDuration took);

// {"message":…,"status":"failure","code":"0000","data":0,"handle_time":seconds}
std::string failure_body(Errc code, std::string_view message, SteadyDuration took);

// The answer with this HTTP status and body, and the headers every answer has.
net::Response json_response(int status, std::string body);

// The answer to a fault of the transport: its HTTP status, the envelope around `message`. Any thread.
net::Response fault(Errc code, std::string_view message);

}  // namespace vodlift::legacy
