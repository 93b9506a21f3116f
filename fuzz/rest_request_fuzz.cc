// A request of the REST API: "METHOD TARGET", a line end, and the body. What is accepted has one meaning.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "door/fields.h"
#include "require.h"
#include "rest/request_fields.h"

using vodlift::fuzz::require;
using namespace vodlift::rest;

namespace {

std::string_view take_until(std::string_view& text, char end) {
  const std::string_view taken = text.substr(0, text.find(end));
  text.remove_prefix(std::min(taken.size() + 1, text.size()));
  return taken;
}

// Each field stands in one place only: in the body as it is, or in the path or the query, decoded.
void compare_places(const RouteMatch& match, const vodlift::net::Request& request, const boost::json::object& fields) {
  boost::json::object body;
  if (!request.body.empty()) body = boost::json::parse(request.body).as_object();
  for (const auto& member : body) require(fields.at(member.key()) == member.value(), "the body says what it says");
  std::size_t elsewhere = match.values.size();
  for (std::string_view query = split_target(request.target).second; !query.empty();) {
    if (!take_until(query, '&').empty()) ++elsewhere;
  }
  require(fields.size() == body.size() + elsewhere, "no field is lost and none is given twice");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = vodlift::fuzz::text_of(data, size);
  vodlift::net::Request request;
  request.method = take_until(text, ' ');
  request.target = take_until(text, '\n');
  request.body = text;
  request.headers.emplace_back("content-type", "application/json");
  if (const auto decoded = uri_decode(request.target, false)) {
    require(uri_decode(vodlift::uri_encode(*decoded), false) == decoded, "what is encoded is decoded");
  }

  const RouteMatch match = find_route(request.method, split_target(request.target).first);
  if (match.route == nullptr) return 0;
  const auto fields = gather_fields(match, request);
  if (!fields) return 0;
  compare_places(match, request, *fields);
  require(vodlift::is_valid_utf8(boost::json::serialize(*fields)), "fields are text");
  static_cast<void>(vodlift::door::Fields::read(match.route->fields, *fields, vodlift::door::Dialect::strict));
  return 0;
}
