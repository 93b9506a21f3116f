#include "legacy/aws_change.h"

#include <fmt/format.h>

#include <utility>

#include "core/upload_control.h"
#include "core/upload_json.h"

namespace vodlift::legacy {
namespace {

// For people: what has been done, or what will be as soon as the worker lets go.
std::string message_of(const ChangeRequest& request, const Upload& upload) {
  switch (request.change) {
    case UploadChange::cancel:
      return upload.state == UploadState::uploading ? "Cancelling upload" : "Cancelled upload";
    case UploadChange::pause:
      return upload.state == UploadState::uploading ? "Pausing upload" : "Paused upload";
    case UploadChange::resume:
      return "Resumed upload";
    case UploadChange::retry:
      break;
  }
  return upload.id == request.id ? "Trying upload again now"
                                 : fmt::format("Queued upload {} again as upload {}", request.id, upload.id);
}

void change(UploadChange wanted, const Services& services, const Caller& caller, const Fields& fields,
            const std::shared_ptr<Reply>& reply) {
  ChangeRequest request;
  request.account = caller.account.cdn;
  request.id = fields.number("id");
  request.scope = caller.scope;
  request.change = wanted;
  request.key_id = caller.key_id;
  request.signature = caller.signature;
  run_blocking(services, reply, [&services, reply, account = caller.account, request = std::move(request)] {
    const auto upload = UploadControl(services.uploads, services.intake).carry_out(account, request);
    if (!upload) return reply->failure(upload.error());
    reply->success(message_of(request, *upload), to_json(*upload, services.clock.now()));
  });
}

}  // namespace

void aws_cancel(const Services& services, const Caller& caller, const Fields& fields,
                const std::shared_ptr<Reply>& reply) {
  change(UploadChange::cancel, services, caller, fields, reply);
}

void aws_pause(const Services& services, const Caller& caller, const Fields& fields,
               const std::shared_ptr<Reply>& reply) {
  change(UploadChange::pause, services, caller, fields, reply);
}

void aws_resume(const Services& services, const Caller& caller, const Fields& fields,
                const std::shared_ptr<Reply>& reply) {
  change(UploadChange::resume, services, caller, fields, reply);
}

void aws_retry(const Services& services, const Caller& caller, const Fields& fields,
               const std::shared_ptr<Reply>& reply) {
  change(UploadChange::retry, services, caller, fields, reply);
}

}  // namespace vodlift::legacy
