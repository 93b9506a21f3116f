#include "legacy/aws_upload.h"

#include <utility>

namespace vodlift::legacy {
namespace {

UploadOptions options_of(const Fields& fields) {
  UploadOptions options;
  options.content_type = fields.text("content_type");
  options.cache_control = fields.text("cache_control");
  options.content_disposition = fields.text("content_disposition");
  options.storage_class = fields.text("storage_class");
  options.tags = fields.pairs("tags");
  options.overwrite = overwrite_from(fields.text("overwrite")).value();
  options.checksum = fields.text("checksum");
  return options;
}

UploadRequest request_of(const Fields& fields) {
  UploadRequest request;
  request.path = fields.text("path");
  request.destination_path = fields.text("destination_path");
  request.bucket = fields.text("bucket");
  request.acl = acl_from(fields.text("acl")).value();
  request.metadata = fields.pairs("metadata");
  request.callback = fields.text("callback");
  request.priority = static_cast<int>(fields.number("priority"));
  request.options = options_of(fields);
  return request;
}

void answer_id(Reply& reply, UploadId id) { reply.success("Queued file for upload", id); }

// The check looks at the world of now. What these bytes were promised before still holds.
void answer_refused(UploadStore& uploads, const Caller& caller, const Error& why, Reply& reply) {
  const auto first = uploads.find_repeat(caller.key_id, caller.signature);
  if (!first) return reply.failure(first.error());
  if (*first) return answer_id(reply, **first);
  reply.failure(why);
}

void insert(UploadStore& uploads, const Caller& caller, NewUpload upload, const std::shared_ptr<Reply>& reply) {
  upload.key_id = caller.key_id;
  upload.signature = caller.signature;
  uploads.insert(std::move(upload), [reply](const Result<InsertOutcome>& outcome) {
    reply->guard([&] {
      if (!outcome) return reply->failure(outcome.error());
      answer_id(*reply, outcome->id);
    });
  });
}

}  // namespace

void aws_upload(const Services& services, const Caller& caller, const Fields& fields,
                const std::shared_ptr<Reply>& reply) {
  // Also for a repeat: a key that was narrowed no longer reaches what it queued.
  if (auto within = caller.scope.check_path(fields.text("path")); !within) return reply->failure(within.error());
  if (auto within = caller.scope.check_bucket(fields.text("bucket")); !within) return reply->failure(within.error());
  auto checked = services.intake.check_request(caller.account, request_of(fields));
  if (checked) {
    // Of most files the system knows without asking the disk: the way through another thread is for the others.
    if (auto upload = services.intake.check_cached_source(*checked)) {
      return insert(services.uploads, caller, std::move(*upload), reply);
    }
  }
  run_blocking(services, reply, [&services, reply, caller, checked = std::move(checked)] {
    const auto upload = checked ? services.intake.check_source(*checked) : Result<NewUpload>(checked.error());
    if (!upload) return answer_refused(services.uploads, caller, upload.error(), *reply);
    insert(services.uploads, caller, *upload, reply);
  });
}

}  // namespace vodlift::legacy
