// aws.upload, aws.status, aws.cancel, aws.pause, aws.resume, aws.retry.
#include <fmt/format.h>

#include <array>
#include <boost/json/array.hpp>
#include <limits>
#include <utility>

#include "core/upload_control.h"
#include "core/upload_fields.h"
#include "core/upload_json.h"
#include "legacy/command.h"

namespace vodlift::legacy {
namespace {

constexpr int kMaxStatusRows = 100;

constexpr std::array kStatusFields = {
    FieldSpec{.name = "id", .type = FieldType::ids, .high = kMaxStatusRows, .about = "these uploads"},
    FieldSpec{.name = "limit",
              .type = FieldType::number,
              .low = 1,
              .high = kMaxStatusRows,
              .otherwise = "25",
              .about = "without `id`: at most this many of the newest uploads"},
    FieldSpec{.name = "offset",
              .type = FieldType::number,
              .low = 0,
              .high = 1'000'000,  // as many ids the store keeps in memory (store/upload_lists.h)
              .otherwise = "0",
              .about = "without `id`: skip this many of the newest uploads"},
    FieldSpec{.name = "state",
              .type = FieldType::words,
              .words = kUploadStates.all(),
              .about = "only uploads that are in this state, or in one of these states"},
};

constexpr std::array kChangeFields = {
    FieldSpec{.name = "id",
              .type = FieldType::number,
              .required = true,
              .low = 1,
              .high = std::numeric_limits<std::int64_t>::max(),
              .audited = true,
              .about = "the upload"},
};

void answer_id(Reply& reply, UploadId id) { reply.success("Queued file for upload", id); }

// The check looks at the present. An answer that these signed bytes got before still holds.
void answer_refused(UploadStore& uploads, const Caller& caller, const Error& why, Reply& reply) {
  const auto first = uploads.find_repeat(caller.key_id, caller.signature);
  if (!first) return reply.failure(first.error());
  if (*first) return answer_id(reply, **first);
  reply.failure(why);
}

void insert(UploadStore& uploads, const Caller& caller, NewUpload upload, const std::shared_ptr<Reply>& reply) {
  upload.key_id = caller.key_id;
  upload.signature = caller.signature;
  upload.trace = caller.trace;
  uploads.insert(std::move(upload), [reply](const Result<InsertOutcome>& outcome) {
    reply->guard([&] {
      if (!outcome) return reply->failure(outcome.error());
      answer_id(*reply, outcome->id);
    });
  });
}

// Answers the upload's id once it is committed and synced to disk; the same signed bytes get the same id again, even
// when the source is gone by then. Errors: those of UploadIntake::check() and UploadStore::insert().
void aws_upload(const Services& services, const Caller& caller, const Fields& fields,
                const std::shared_ptr<Reply>& reply) {
  // Checked for a repeat as well: a key whose scope was narrowed no longer reaches what it queued.
  if (auto within = caller.scope.check_path(fields.text("path")); !within) return reply->failure(within.error());
  if (auto within = caller.scope.check_bucket(fields.text("bucket")); !within) return reply->failure(within.error());
  auto checked = services.intake.check_request(*caller.account, door::read_upload_request(fields));
  if (checked) {
    // The system knows most files without asking the disk. Only the others need a thread that may block.
    if (auto upload = services.intake.check_cached_source(*checked)) {
      return insert(services.uploads, caller, std::move(*upload), reply);
    }
  }
  door::run_on(services.blocking, caller.account->cdn, reply, [&services, reply, caller, checked = std::move(checked)] {
    const auto upload = checked ? services.intake.check_source(*checked) : Result<NewUpload>(checked.error());
    if (!upload) return answer_refused(services.uploads, caller, upload.error(), *reply);
    insert(services.uploads, caller, *upload, reply);
  });
}

UploadQuery query_of(const Caller& caller, const Fields& fields) {
  UploadQuery query;
  query.scope = caller.scope;
  query.ids = fields.ids("id");
  // All named ids are wanted: limit and offset apply to the list without names.
  const bool named = !query.ids.empty();
  query.limit = named ? kMaxStatusRows : static_cast<int>(fields.number("limit"));
  query.offset = named ? 0 : fields.number("offset");
  for (const std::string_view word : fields.words("state")) query.states.push_back(upload_state_from(word).value());
  return query;
}

// No named upload is in a state that was asked for. An error unless one of them exists in another state.
Result<> expect_some(const Services& services, AccountId account, UploadQuery query) {
  query.states.clear();
  const auto uploads = services.uploads.find(account, query);
  if (!uploads) return uploads.error();
  if (uploads->empty()) return no_such_upload();
  return {};
}

void answer_status(const Services& services, AccountId account, const UploadQuery& query, Reply& reply) {
  const auto uploads = services.uploads.find(account, query);
  if (!uploads) return reply.failure(uploads.error());
  if (uploads->empty() && !query.ids.empty()) {
    if (const auto there = expect_some(services, account, query); !there) return reply.failure(there.error());
  }
  const WallTime now = services.clock.now();
  boost::json::array list;
  list.reserve(uploads->size());
  for (const Upload& upload : *uploads) list.emplace_back(to_json(upload, now));
  reply.success("Status of uploads, newest first", std::move(list));
}

// Answers a list of upload objects (core/upload_json.h), newest first: those that `id` names, or the newest by `limit`
// and `offset`; `state` narrows either list. An upload of another account counts as absent. When none of the named ones
// exists: upload_not_found.
void aws_status(const Services& services, const Caller& caller, const Fields& fields,
                const std::shared_ptr<Reply>& reply) {
  door::run_on(services.blocking, caller.account->cdn, reply,
               [&services, reply, account = caller.account->cdn, query = query_of(caller, fields)] {
                 answer_status(services, account, query, *reply);
               });
}

// For people: what was done, or what will be done as soon as the worker yields the upload.
std::string message_of(const ChangeRequest& request, const Upload& upload) {
  switch (request.change) {
    case UploadChange::cancel:
      return upload.state == UploadState::uploading ? "Cancelling upload" : "Cancelled upload";
    case UploadChange::pause:
      return upload.state == UploadState::uploading ? "Pausing upload" : "Paused upload";
    case UploadChange::resume:
      return "Resumed upload";
    case UploadChange::set_priority:
      return "Changed priority";
    case UploadChange::retry:
      break;
  }
  return upload.id == request.id ? "Retrying upload now"
                                 : fmt::format("Queued upload {} again as upload {}", request.id, upload.id);
}

// "An upload cannot be …"
constexpr Words<UploadChange> kParticiples = {
    {UploadChange::cancel, "cancelled"},
    {UploadChange::pause, "paused"},
    {UploadChange::resume, "resumed"},
    {UploadChange::retry, "retried"},
    {UploadChange::set_priority, "given another priority"},
};

// "… because …", for the developer of a client.
constexpr Words<ChangeRefusal> kReasons = {
    {ChangeRefusal::has_ended, "it has ended"},
    {ChangeRefusal::is_completed, "it has ended; send the file again as a new upload"},
    {ChangeRefusal::ended_just_now, "it ended just now; send the request again"},
    {ChangeRefusal::is_paused, "it can only be resumed or cancelled"},
    {ChangeRefusal::is_running, "it is being sent"},
    {ChangeRefusal::is_cancelling, "it is being cancelled"},
    {ChangeRefusal::is_not_paused, "only a paused upload can be resumed"},
};

Error refused(const ChangeRequest& request, const ChangeOutcome& outcome) {
  const Upload& upload = outcome.upload;
  return {Errc::wrong_state, fmt::format("upload {} is {} and cannot be {}: {}", upload.id, to_string(upload.state),
                                         kParticiples.word(request.change), kReasons.word(*outcome.refusal))};
}

// Answers the upload's object (core/upload_json.h) as it is when the change is on disk; the same signed bytes change
// nothing again. Errors: wrong_state (the message names the state); those of UploadControl::carry_out().
template <UploadChange change>
void aws_change(const Services& services, const Caller& caller, const Fields& fields,
                const std::shared_ptr<Reply>& reply) {
  ChangeRequest request;
  request.account = caller.account->cdn;
  request.id = fields.number("id");
  request.scope = caller.scope;
  request.change = change;
  request.key_id = caller.key_id;
  request.signature = caller.signature;
  door::run_on(services.blocking, caller.account->cdn, reply,
               [&services, reply, account = caller.account, request = std::move(request)] {
                 const auto outcome = UploadControl(services.uploads, services.intake).carry_out(*account, request);
                 if (!outcome) return reply->failure(outcome.error());
                 if (outcome->refusal) return reply->failure(refused(request, *outcome));
                 reply->success(message_of(request, outcome->upload), to_json(outcome->upload, services.clock.now()));
               });
}

}  // namespace

std::span<const Command> upload_commands() {
  static const std::array kCommands = {
      Command{.name = "aws.upload",
              .permission = Permission::upload,
              .mutating = true,
              .fields = upload_field_specs(),
              .about = "queues a file for upload to S3",
              .answer = "the upload's id, an integer from 1; ids are never used twice",
              .run = aws_upload},
      Command{.name = "aws.status",
              .permission = Permission::status,
              .fields = kStatusFields,
              .about = "shows the state of uploads",
              .answer = "a list of [upload objects](#the-upload-object), newest first",
              .run = aws_status},
      Command{.name = "aws.cancel",
              .permission = Permission::manage,
              .mutating = true,
              .fields = kChangeFields,
              .about = "ends an upload before it is complete",
              .answer = "the [upload object](#the-upload-object)",
              .run = aws_change<UploadChange::cancel>},
      Command{.name = "aws.pause",
              .permission = Permission::manage,
              .mutating = true,
              .fields = kChangeFields,
              .about = "holds an upload back",
              .answer = "the [upload object](#the-upload-object)",
              .run = aws_change<UploadChange::pause>},
      Command{.name = "aws.resume",
              .permission = Permission::manage,
              .mutating = true,
              .fields = kChangeFields,
              .about = "resumes a paused upload",
              .answer = "the [upload object](#the-upload-object)",
              .run = aws_change<UploadChange::resume>},
      Command{.name = "aws.retry",
              .permission = Permission::manage,
              .mutating = true,
              .fields = kChangeFields,
              .about = "retries an upload now, or queues a failed or cancelled one again",
              .answer = "the new [upload object](#the-upload-object), or that of the upload itself",
              .run = aws_change<UploadChange::retry>},
  };
  return kCommands;
}

}  // namespace vodlift::legacy
