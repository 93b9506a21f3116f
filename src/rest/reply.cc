#include "rest/reply.h"

#include <boost/json/serialize.hpp>

#include "rest/problem.h"
#include "rest/route_table.h"

namespace vodlift::rest {

void Reply::throttled(const Error& error, std::chrono::seconds wait) {
  withdraw_audit();
  fail(error.code, too_many(error, wait));
}

net::Response Reply::success_response(std::string_view /*message*/, const boost::json::value& data,
                                      const boost::json::object& /*members*/) const {
  net::Response response;
  response.body = boost::json::serialize(data);
  response.headers = headers_;
  if (!route_.created.empty()) {
    response.status = 201;
    response.headers.emplace_back("Location", path_of(route_.created, data.as_object()));
  }
  return response;
}

net::Response Reply::failure_response(const Error& error) const { return problem(error, for_operator_); }

// Failures of the server itself: their texts are nothing for its customers.
bool Reply::is_internal(Errc code) const {
  if (for_operator_) return false;
  switch (code) {
    case Errc::internal:
    case Errc::config_invalid:
    case Errc::locked:
    case Errc::io_error:
    case Errc::store_failed:
    case Errc::store_corrupt:
    case Errc::seal_broken:
      return true;
    default:
      return false;
  }
}

}  // namespace vodlift::rest
