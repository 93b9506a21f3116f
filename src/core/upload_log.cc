#include "core/upload_log.h"

#include <algorithm>
#include <string>

#include "base/late_log.h"
#include "base/log.h"
#include "base/text.h"

namespace vodlift {

std::string object_name(const UploadRequest& request) {
  return joined({"s3://", request.bucket, "/", request.destination_path});
}

void tell_queued(const NewUpload& upload, UploadId id) {
  const std::string object = object_name(upload.request);
  const std::string trace = trace_of(upload).id;
  if (upload.retry_of == 0) {
    log::info_late("upload queued", {{"upload", id},
                                     {"cdn", upload.account},
                                     {"source", upload.request.path},
                                     {"object", object},
                                     {"bytes", upload.size},
                                     {"trace", trace}});
  } else {
    log::info_late("upload queued", {{"upload", id},
                                     {"cdn", upload.account},
                                     {"source", upload.request.path},
                                     {"object", object},
                                     {"bytes", upload.size},
                                     {"trace", trace},
                                     {"retry_of", upload.retry_of}});
  }
}

void tell_change(const ChangeRequest& request, const Upload& upload) {
  log::info_late("upload changed", {{"upload", upload.id},
                                    {"cdn", upload.account},
                                    {"change", to_string(request.change)},
                                    {"state", to_string(upload.state)},
                                    {"trace", upload.trace.id}});
}

void tell_begin(const ClaimedUpload& claimed, std::int64_t size) {
  const Upload& upload = claimed.upload;
  log::info_late("upload began", {{"upload", claimed.lease.id},
                                  {"cdn", upload.account},
                                  {"source", upload.request.path},
                                  {"object", object_name(upload.request)},
                                  {"bytes", size},
                                  {"bytes_there", upload.bytes_sent},
                                  {"attempt", upload.attempts},
                                  {"trace", upload.trace.id}});
}

void tell_end(const ClaimedUpload& claimed, const UploadEnding& ending, std::chrono::steady_clock::duration took) {
  const Upload& upload = claimed.upload;
  const UploadId id = claimed.lease.id;
  const std::string object = object_name(upload.request);
  const double seconds = std::max(std::chrono::duration<double>(took).count(), 1e-6);
  if (ending.error) {
    log::warn("upload ended",
              {{"upload", id},
               {"cdn", upload.account},
               {"state", to_string(ending.state)},
               {"source", upload.request.path},
               {"object", object},
               {"bytes", ending.size},
               {"attempts", upload.attempts},
               {"seconds", seconds},
               {"trace", upload.trace.id},
               {"code", info(ending.error->code).name},
               {"reason", Error{ending.error->code, ending.error->message, ending.error->detail}.for_operator()}});
    return;
  }
  const bool sent = ending.acl_applied.has_value();  // else an object that was there is kept
  const double rate = sent ? static_cast<double>(ending.size - upload.bytes_sent) / seconds : 0.0;
  log::info_late("upload ended", {{"upload", id},
                                  {"cdn", upload.account},
                                  {"state", to_string(ending.state)},
                                  {"source", upload.request.path},
                                  {"object", object},
                                  {"bytes", ending.size},
                                  {"attempts", upload.attempts},
                                  {"seconds", seconds},
                                  {"bytes_per_s", static_cast<std::int64_t>(rate)},
                                  {"checksum", ending.verification.checksum},
                                  {"trace", upload.trace.id}});
}

}  // namespace vodlift
