// The REST API, /api/v1, as the command line uses it over the daemon's Unix socket.
#pragma once

#include <string_view>

#include "base/thread_pool.h"
#include "net/http_server.h"
#include "rest/route.h"

namespace vodlift::rest {

// Answers JSON, or a problem (rest/problem.h) with the operator's texts. A caller that can connect to the socket may do
// everything: the file's mode decides who can. Any thread; the constructor's arguments must outlive the last answer.
class RestApi {
 public:
  RestApi(const Context& context, ThreadPool& blocking) : context_(context), blocking_(blocking) {}

  // Answers one request from the pool; a full pool is answered at once.
  void handle(net::Request request, net::Responder respond);

  // A fault of HTTP in this door's form.
  static net::Response fault(Errc code, std::string_view message);

 private:
  const Context context_;
  ThreadPool& blocking_;
};

}  // namespace vodlift::rest
