// `vodlift bucket try` and vodlift-s3check: the bucket doctor without a daemon.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/error.h"

namespace vodlift::app {

// As rest::try_bucket(), with this process's environment and connections of its own. Once a process, before others use
// the network: it closes the process to debuggers and core dumps, which would have the secret.
Result<boost::json::value> try_bucket(const boost::json::object& asked);

}  // namespace vodlift::app
