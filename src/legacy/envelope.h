// What every answer of the legacy API is wrapped in, as JSON or as PHP's serialize() writes it.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http_server.h"

namespace vodlift::legacy {

using SteadyDuration = std::chrono::steady_clock::duration;

enum class Encoding { json, php };

// {"message":…,"status":"success","data":…,"handle_time":seconds}, and the members of `beside` behind `data`.
std::string success_body(std::string_view message, const boost::json::value& data, SteadyDuration took,
                         Encoding encoding = Encoding::json, const boost::json::object& beside = {});

// {"message":…,"status":"failure","code":"0000","data":0,"handle_time":seconds}
std::string failure_body(Errc code, std::string_view message, SteadyDuration took, Encoding encoding = Encoding::json);

// The answer with this HTTP status and body, the body's type, and the headers every answer has.
net::Response enveloped(int status, std::string body, Encoding encoding);

// The answer to a fault of the transport: its HTTP status, the envelope around `message`. Any thread.
net::Response fault_in(Encoding encoding, Errc code, std::string_view message);

// The same in JSON, for faults that are met before a field was seen.
net::Response fault(Errc code, std::string_view message);

}  // namespace vodlift::legacy
