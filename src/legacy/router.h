// The legacy API's door: POST /stable/ and /dev/ (docs/api.md).
#pragma once

#include <chrono>

#include "legacy/authentication.h"
#include "legacy/command.h"
#include "legacy/envelope.h"
#include "legacy/form.h"
#include "net/http_server.h"

namespace vodlift::legacy {

struct Options {
  std::chrono::seconds timestamp_window{300};  // how far a request's timestamp may be from the server's clock
};

// Judges a request (form, JSON or PHP, key and cdn, timestamp, signature, command, permission, fields, in this order)
// and hands it to its command. Immutable; any thread. Everything given here must outlive the router, and the router
// must outlive the jobs on `blocking` and the store's pending inserts: stop those first.
class Router {
 public:
  Router(const AccountStore& accounts, UploadStore& uploads, Storages& storages, const UploadIntake& intake,
         const Clock& clock, ThreadPool& blocking, Options options);

  // A net::Handler: returns at once; the answer comes from this thread, the pool's or the store's.
  void handle(net::Request request, net::Responder respond) const;

 private:
  void judge(net::Request& request, const std::shared_ptr<Reply>& reply) const;
  void judge_form(const Form& form, const std::shared_ptr<Reply>& reply) const;

  Services services_;
  Authentication authentication_;
};

}  // namespace vodlift::legacy
