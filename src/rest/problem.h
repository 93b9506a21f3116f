// What the REST API answers for a failure: a problem of RFC 9457.
#pragma once

#include <chrono>

#include "base/error.h"
#include "net/http_server.h"

namespace vodlift::rest {

// The HTTP status for a failed request. Total.
int status_of(Errc code);

// {"type","title","status","code","detail"}, and for an operator "operator_detail" where the error has one: `code` is
// the Errc's name, `detail` a text that a customer may read.
net::Response problem(const Error& error, bool for_operator);

// The same with status 429, for a caller who may come back after `wait`, 1 s at least.
net::Response too_many(const Error& error, std::chrono::seconds wait);

}  // namespace vodlift::rest
