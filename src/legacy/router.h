// The legacy API's door: POST /stable/ and /dev/ (docs/api.md).
#pragma once

#include <chrono>

#include "legacy/authentication.h"
#include "legacy/call_metrics.h"
#include "legacy/command.h"
#include "legacy/form.h"
#include "net/http_server.h"

namespace vodlift::legacy {

struct Options {
  std::chrono::seconds timestamp_window{300};  // how far a request's timestamp may be from the server's clock
  Rate key_requests;                           // signed requests of one key
  Rate failures;                               // requests that fail to authenticate, of one address and key
};

// Checks a request (form, JSON or PHP, key and cdn, timestamp, signature, command, permission, fields, in this order)
// and passes it to its command. Internally locked; any thread. The constructor's arguments must outlive the router, and
// the router must outlive the jobs on `blocking` and the store's pending inserts: stop those first.
class Router {
 public:
  Router(const AccountDirectory& accounts, KeyUsage& usage, UploadStore& uploads, Storages& storages,
         const UploadIntake& intake, const Clock& clock, door::FairPool& blocking, AuditLog& audit, Options options);

  // A net::Handler: returns at once; the answer comes from this thread, the pool's or the store's.
  void handle(net::Request request, net::Responder respond);

  // From now on. Any thread.
  void use(const Options& options) {
    key_requests_.use(options.key_requests);
    authentication_.use(options.timestamp_window, options.failures);
  }
  [[nodiscard]] std::chrono::seconds timestamp_window() const { return authentication_.timestamp_window(); }

  [[nodiscard]] const CallMetrics& metrics() const { return metrics_; }

 private:
  void judge(net::Request& request, const std::shared_ptr<Reply>& reply);
  void judge_form(const Form& form, const Origin& origin, const std::shared_ptr<Reply>& reply);
  // False: the key sent too many requests, and this one is answered.
  bool within_limit(const Caller& caller, const Origin& origin, Reply& reply);

  CallMetrics metrics_;
  Services services_;
  Authentication authentication_;
  RateLimiter key_requests_;
  RefusalLog limited_;
};

}  // namespace vodlift::legacy
