// The REST API, /api/v1, as the command line uses it over the daemon's Unix socket.
#pragma once

#include <string_view>
#include <utility>

#include "net/http_server.h"
#include "rest/route.h"

namespace vodlift::rest {

// Answers JSON, or a problem (rest/problem.h) with the operator's texts. A caller that can connect to the socket may do
// everything: the file's mode decides who can. Any thread; the constructor's arguments must outlive the last answer.
class RestApi {
 public:
  explicit RestApi(Context context) : context_(std::move(context)) {}

  // Answers one request from the context's pool; a full pool is answered at once.
  void handle(net::Request request, net::Responder respond);

  // A fault of HTTP in this door's form.
  static net::Response fault(Errc code, std::string_view message);

 private:
  const Context context_;
};

}  // namespace vodlift::rest
