// The operator's door, served over the daemon's Unix socket: POST /admin/<noun>.<verb> with a JSON object.
#pragma once

#include <string_view>

#include "admin/command.h"
#include "base/thread_pool.h"
#include "net/http_server.h"

namespace vodlift::admin {

// Answers {"status":"success","data":…} or {"status":"failure","code":"<Errc's name>","message":…}, the latter with the
// HTTP status of the error table. A caller that can connect to the socket may do everything: the file's mode decides
// who can. Any thread; the constructor's arguments must outlive the last answer.
class AdminApi {
 public:
  AdminApi(AccountDirectory& accounts, UploadStore& uploads, const UploadIntake& intake, const Clock& clock,
           AuditLog& audit, BucketDoctor& doctor, BucketDefaults bucket_defaults, MultipartLedger& ledger,
           BandwidthControl& bandwidth, ThreadPool& blocking);

  // Answers one request from the pool; a full pool is answered at once.
  void handle(net::Request request, net::Responder respond);

  // A failure in this door's form.
  static net::Response fault(Errc code, std::string_view message);

 private:
  const Context context_;
  ThreadPool& blocking_;
};

}  // namespace vodlift::admin
