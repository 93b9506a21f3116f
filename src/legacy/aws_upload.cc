#include "legacy/aws_upload.h"

#include <utility>

#include "legacy/fields.h"

namespace vodlift::legacy {
namespace {

struct Job {
  Caller caller;
  UploadRequest request;
};

std::string_view mac_of(const Job& job) {
  return {reinterpret_cast<const char*>(job.caller.mac.data()), job.caller.mac.size()};
}

Result<UploadRequest> read_request(const boost::json::object& object) {
  Fields fields(object);
  UploadRequest request;
  request.path = fields.text("path");
  request.destination_path = fields.text("destination_path");
  request.bucket = fields.text("bucket");
  request.metadata = fields.metadata("metadata");
  request.callback = fields.text_or("callback", "");
  request.priority = static_cast<int>(fields.number_or("priority", request.priority, 0, 9));
  if (const auto acl = acl_from(fields.text_or("acl", to_string(request.acl)))) {
    request.acl = *acl;
  } else {
    fields.refuse("acl", "must be private or public-read");
  }
  // A client that sends one of these relies on it; to go on without would be a silent no.
  for (const std::string_view name :
       {"content_type", "cache_control", "content_disposition", "storage_class", "tags", "overwrite", "checksum"}) {
    fields.refuse_unsupported(name);
  }
  if (auto fault = fields.fault()) return std::move(*fault);
  return request;
}

void answer_id(Reply& reply, UploadId id) { reply.success("Queued file for upload", id); }

// The check looks at the world of now. What these bytes were promised before still holds.
void answer_refused(UploadStore& uploads, const Job& job, const Error& why, Reply& reply) {
  const auto first = uploads.find_repeat(job.caller.key_id, mac_of(job));
  if (!first) return reply.failure(first.error());
  if (*first) return answer_id(reply, **first);
  reply.failure(why);
}

void check_and_insert(const Services& services, Job& job, const std::shared_ptr<Reply>& reply) {
  auto upload = services.intake.check(job.caller.account, std::move(job.request));
  if (!upload) return answer_refused(services.uploads, job, upload.error(), *reply);
  upload->key_id = job.caller.key_id;
  upload->signature_mac = mac_of(job);
  services.uploads.insert(std::move(*upload), [reply](const Result<InsertOutcome>& outcome) {
    reply->guard([&] {
      if (!outcome) return reply->failure(outcome.error());
      answer_id(*reply, outcome->id);
    });
  });
}

}  // namespace

void aws_upload(const Services& services, const Caller& caller, const boost::json::object& fields,
                const std::shared_ptr<Reply>& reply) {
  auto request = read_request(fields);
  if (!request) return reply->failure(request.error());
  auto job = std::make_shared<Job>(Job{caller, std::move(*request)});
  run_blocking(services, reply, [&services, reply, job] { check_and_insert(services, *job, reply); });
}

}  // namespace vodlift::legacy
