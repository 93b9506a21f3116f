#include "rest/problem.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <string>

#include "base/text.h"

namespace vodlift::rest {
namespace {

// "no_such_file" -> "No such file".
std::string title_of(std::string_view name) {
  std::string title(name);
  std::ranges::replace(title, '_', ' ');
  if (!title.empty() && is_lower(title.front())) title.front() = static_cast<char>(title.front() - 'a' + 'A');
  return title;
}

net::Response problem_with(int status, const Error& error, bool for_operator) {
  const ErrcInfo& row = info(error.code);
  net::Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  boost::json::object body{{"type", "/problems/" + std::string(row.name)},
                           {"title", title_of(row.name)},
                           {"status", response.status},
                           {"code", row.name},
                           {"detail", error.message}};
  if (for_operator && !error.detail.empty()) body["operator_detail"] = error.detail;
  response.body = boost::json::serialize(body);
  return response;
}

}  // namespace

int status_of(Errc code) {
  switch (code) {
    case Errc::missing_field:
    case Errc::invalid_value:
      return 400;
    case Errc::not_authorized:
    case Errc::timestamp_out_of_range:
    case Errc::bad_signature:
      return 401;
    case Errc::permission_denied:
      return 403;
    case Errc::unknown_command:
    case Errc::upload_not_found:
      return 404;
    case Errc::wrong_state:
    case Errc::destination_exists:
      return 409;
    // The request is well formed, but what it names is not there or not allowed.
    case Errc::source_not_found:
    case Errc::storage_unknown:
    case Errc::bucket_not_configured:
    case Errc::address_denied:
      return 422;
    case Errc::overloaded:
    case Errc::storage_unavailable:
      return 503;
    default:
      break;
  }
  // The legacy API answers 200 for what has no status of its own.
  const int status = info(code).http_status;
  return status < 400 ? 500 : status;
}

net::Response problem(const Error& error, bool for_operator) {
  return problem_with(status_of(error.code), error, for_operator);
}

net::Response too_many(const Error& error, std::chrono::seconds wait) {
  constexpr int kTooManyRequests = 429;
  net::Response response = problem_with(kTooManyRequests, error, false);
  response.headers.emplace_back("Retry-After", std::to_string(std::max<std::int64_t>(wait.count(), 1)));
  return response;
}

}  // namespace vodlift::rest
