#include <array>

#include "rest/route.h"

namespace vodlift::rest {
namespace {

// Whose share of the streams a caller takes. Over the socket everybody who may connect is one caller, and is not
// counted.
std::string holder_of(const Principal& who) {
  if (who.via == Principal::Via::socket) return {};
  return who.name + " " + who.label;
}

void stream(const Context& context, const Caller& caller, const Fields& fields, const std::shared_ptr<Reply>& reply) {
  const auto cdn = fields.number_if_given("cdn");
  if (cdn) {
    if (const auto account = existing_account(context, *cdn); !account) return reply->failure(account.error());
  }
  context.events.listen();
  net::Response response;
  response.content_type = "text/event-stream";
  response.headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
  response.holder = holder_of(caller.who);
  EventStream begins{{cdn, caller.who.role}, caller.last_event_id, caller.still_valid, nullptr};
  response.stream = [&events = context.events, begins](std::shared_ptr<net::BodyStream> bytes) {
    EventStream begun = begins;
    begun.bytes = std::move(bytes);
    events.add(std::move(begun));
  };
  reply->respond(std::move(response));
}

constexpr std::array kFields = {kCdnIfGiven};

constexpr std::array kEventRoutes = {
    Route{
        .name = "event.stream", .act = Act::read, .method = "GET", .path = "/events", .fields = kFields, .run = stream},
};

}  // namespace

std::span<const Route> event_routes() { return kEventRoutes; }

}  // namespace vodlift::rest
