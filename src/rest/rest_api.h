// The REST API, /api/v1: for the command line over the daemon's Unix socket, and for those whom rest::Gate lets in.
#pragma once

#include <string_view>
#include <utility>

#include "net/http_server.h"
#include "rest/route.h"

namespace vodlift::rest {

// Answers JSON, or a problem (rest/problem.h), with what this caller may see. Any thread; the constructor's arguments
// must outlive the last answer.
class RestApi {
 public:
  explicit RestApi(Context context) : context_(std::move(context)) {}

  // Answers one request from the context's pool; a full pool is answered at once.
  void handle(Caller caller, net::Request request, net::Responder respond);
  // The same on this thread, which may block.
  void run(Caller caller, const net::Request& request, net::Responder respond);

  // A fault of HTTP in this door's form.
  static net::Response fault(Errc code, std::string_view message);

 private:
  const Context context_;
};

}  // namespace vodlift::rest
