#include <fmt/format.h>

#include <array>
#include <boost/json/array.hpp>
#include <limits>
#include <tuple>

#include "base/log.h"
#include "core/upload_control.h"
#include "core/upload_fields.h"
#include "core/upload_json.h"
#include "core/upload_request.h"
#include "rest/idempotency.h"
#include "rest/route.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::int64_t kOperator = 0;  // as in NewUpload::key_id
constexpr int kMaxIds = 100;
constexpr int kMaxLimit = 100;

bool same_request(const UploadRequest& one, const UploadRequest& other) {
  const auto members = [](const UploadRequest& request) {
    return std::tie(request.path, request.destination_path, request.bucket, request.acl, request.metadata,
                    request.callback, request.priority, request.options);
  };
  return members(one) == members(other);
}

// Answers the upload that the same Idempotency-Key got before. A key that comes with another request is an error of the
// client, who would take the answer for that of the other request.
void answer_repeat(const Context& context, UploadId id, AccountId cdn, const UploadRequest& asked, Reply& reply) {
  UploadQuery query;
  query.ids = {id};
  const auto found = context.uploads.find_in_all(query);
  if (!found) return reply.failure(found.error());
  const bool same = !found->empty() && found->front().account == cdn && same_request(found->front().request, asked);
  if (same) return reply.success({}, object{{"id", id}});
  reply.failure({Errc::invalid_value,
                 fmt::format("Idempotency-Key: upload {} was made with this key, from another request", id)});
}

void insert(const Context& context, NewUpload upload, const std::shared_ptr<Reply>& reply) {
  const auto asked = std::make_shared<const UploadRequest>(upload.request);
  context.uploads.insert(
      std::move(upload), [reply, asked, &context, cdn = upload.account](Result<InsertOutcome> inserted) {
        reply->guard([&] {
          if (!inserted) return reply->failure(inserted.error());
          const UploadId id = inserted->id;
          if (!inserted->repeated) {
            log::info("upload queued by an operator", {{"cdn", cdn}, {"upload", id}});
            return reply->success({}, object{{"id", id}});
          }
          // The key came twice at once. This is a thread of the store, so another one has to read.
          door::run_on(context.blocking, reply,
                       [reply, asked, &context, cdn, id] { answer_repeat(context, id, cdn, *asked, *reply); });
        });
      });
}

void add(const Context& context, const Caller& caller, const Fields& fields, const std::shared_ptr<Reply>& reply) {
  const AccountId cdn = fields.number("cdn");
  const auto account = existing_account(context, cdn);
  if (!account) return reply->failure(account.error());
  const auto request = validate(door::read_upload_request(fields), (*account)->user);
  if (!request) return reply->failure(request.error());
  const WallTime now = context.clock.now();
  // First: what is checked next may have gone since the first answer.
  const auto first = find_repeat(context.uploads, kOperator, caller.idempotency_key, now);
  if (!first) return reply->failure(first.error());
  if (*first) return answer_repeat(context, **first, cdn, *request, *reply);
  auto upload = context.intake.check(**account, *request);
  if (!upload) return reply->failure(upload.error());
  upload->signature = signature_of(caller.idempotency_key, now);
  insert(context, std::move(*upload), reply);
}

// The uploads of the account that is named, or of all.
Result<std::vector<Upload>> find(const Context& context, std::optional<AccountId> cdn, const UploadQuery& query) {
  if (!cdn) return context.uploads.find_in_all(query);
  const auto account = existing_account(context, *cdn);
  if (!account) return account.error();
  return context.uploads.find(*cdn, query);
}

Error no_upload(UploadId id, std::optional<AccountId> cdn) {
  if (!cdn) return {Errc::upload_not_found, fmt::format("there is no upload {}; see: vodlift status", id)};
  return {Errc::upload_not_found,
          fmt::format("account {0} has no upload {1}; see: vodlift status --cdn {0}", *cdn, id)};
}

// An id is of one upload of all; with `cdn` it must be of that account.
Result<Upload> existing_upload(const Context& context, UploadId id, std::optional<AccountId> cdn) {
  UploadQuery query;
  query.ids = {id};
  auto found = find(context, cdn, query);
  if (!found) return found.error();
  if (found->empty()) return no_upload(id, cdn);
  return std::move(found->front());
}

Result<value> shown(const Context& context, UploadId id, std::optional<AccountId> cdn = std::nullopt) {
  const auto upload = existing_upload(context, id, cdn);
  if (!upload) return upload.error();
  return value(to_operator_json(*upload, context.clock.now()));
}

Result<value> show(const Context& context, const Fields& fields) {
  return shown(context, fields.number("id"), fields.number_if_given("cdn"));
}

Result<value> list(const Context& context, const Fields& fields) {
  UploadQuery query;
  query.ids = fields.ids("ids");
  if (!query.ids.empty() && (fields.has("limit") || fields.has("offset"))) {
    return Error{Errc::invalid_value, "ids: cannot be combined with limit and offset"};
  }
  for (const std::string_view word : fields.words("state")) query.states.push_back(upload_state_from(word).value());
  query.limit = static_cast<int>(fields.number_if_given("limit").value_or(query.limit));
  query.offset = fields.number("offset");

  const auto cdn = fields.number_if_given("cdn");
  const auto uploads = find(context, cdn, query);
  if (!uploads) return uploads.error();
  if (!cdn && uploads->empty() && context.accounts.accounts().empty()) {
    return Error{Errc::not_found, "there is no account yet; see: vodlift account add --help"};
  }
  boost::json::array answer;
  const WallTime now = context.clock.now();
  for (const Upload& upload : *uploads) answer.push_back(to_operator_json(upload, now));
  return collection(std::move(answer));
}

// How many uploads there are, and their bytes, by account and state. Kept by the store, so the answer is cheap.
Result<value> counts(const Context& context, const Fields& fields) {
  const auto cdn = fields.number_if_given("cdn");
  const auto counts = context.uploads.counts();
  if (!counts) return counts.error();
  boost::json::array answer;
  for (const UploadCount& one : *counts) {
    if (cdn && one.account != *cdn) continue;
    answer.push_back(
        object{{"cdn", one.account}, {"state", to_string(one.state)}, {"uploads", one.uploads}, {"bytes", one.bytes}});
  }
  return collection(std::move(answer));
}

// Why an upload cannot be changed, and the command that helps an operator.
constexpr Words<ChangeRefusal> kRefusals = {
    {ChangeRefusal::has_ended, "an upload that has ended cannot be changed; see: vodlift status {id}"},
    {ChangeRefusal::is_completed, "to send the file again, queue a new upload; see: vodlift upload --help"},
    {ChangeRefusal::ended_just_now, "it ended just now; queue it again with: vodlift upload retry {id}"},
    {ChangeRefusal::is_paused, "resume it with: vodlift upload resume {id}"},
    {ChangeRefusal::is_running, "it is being sent; follow it with: vodlift status {id} --watch"},
    {ChangeRefusal::is_cancelling, "it is being cancelled; follow it with: vodlift status {id} --watch"},
    {ChangeRefusal::is_not_paused, "only a paused upload can be resumed; follow it with: vodlift status {id} --watch"},
};

Error refused(const ChangeOutcome& outcome) {
  const Upload& upload = outcome.upload;
  return {Errc::wrong_state,
          fmt::format("upload {} is {}: {}", upload.id, to_string(upload.state),
                      fmt::format(fmt::runtime(kRefusals.word(*outcome.refusal)), fmt::arg("id", upload.id)))};
}

template <UploadChange change>
Result<value> carried_out(const Context& context, const Caller& caller, const Fields& fields) {
  const auto upload = existing_upload(context, fields.number("id"), fields.number_if_given("cdn"));
  if (!upload) return upload.error();
  const auto account = existing_account(context, upload->account);
  if (!account) return account.error();
  const WallTime now = context.clock.now();
  // Upload and change are part of it: a key that comes with several of them is one key for each.
  const std::string key = caller.idempotency_key.empty()
                              ? std::string()
                              : fmt::format("{} {} {}", to_string(change), upload->id, caller.idempotency_key);
  const auto first = find_repeat(context.uploads, kOperator, key, now);
  if (!first) return first.error();
  if (*first) return shown(context, **first);
  ChangeRequest request;
  request.change = change;
  request.id = upload->id;
  request.account = upload->account;
  request.signature = signature_of(key, now);
  const auto outcome = UploadControl(context.uploads, context.intake).carry_out(**account, request);
  if (!outcome) return outcome.error();
  if (outcome->refusal) return refused(*outcome);
  return value(to_operator_json(outcome->upload, now));
}

template <UploadChange change>
void carry_out(const Context& context, const Caller& caller, const Fields& fields,
               const std::shared_ptr<Reply>& reply) {
  answer(*reply, carried_out<change>(context, caller, fields));
}

// cdn, and every field of an upload.
const std::vector<FieldSpec>& add_fields() {
  static const std::vector<FieldSpec> kFields = [] {
    std::vector<FieldSpec> fields = {kCdn};
    for (const FieldSpec& spec : upload_field_specs()) fields.push_back(spec);
    return fields;
  }();
  return kFields;
}

constexpr std::array kListFields = {
    kCdnIfGiven,
    FieldSpec{.name = "ids", .type = FieldType::ids, .high = kMaxIds},
    FieldSpec{.name = "limit", .type = FieldType::number, .low = 1, .high = kMaxLimit},
    FieldSpec{.name = "offset",
              .type = FieldType::number,
              .low = 0,
              .high = std::numeric_limits<std::int64_t>::max(),
              .otherwise = "0"},
    FieldSpec{.name = "state", .type = FieldType::words, .words = kUploadStates.all()},
};

constexpr std::array kCountFields = {kCdnIfGiven};

constexpr std::array kOneFields = {
    kCdnIfGiven,
    FieldSpec{.name = "id",
              .type = FieldType::number,
              .required = true,
              .low = 1,
              .high = std::numeric_limits<std::int64_t>::max(),
              .audited = true},
};

template <UploadChange change>
constexpr Route change_route(std::string_view name, std::string_view path) {
  return {.name = name,
          .method = "POST",
          .path = path,
          .fields = kOneFields,
          .mutating = true,
          .repeatable = true,
          .run = carry_out<change>};
}

}  // namespace

std::span<const Route> upload_routes() {
  static const std::array kRoutes = {
      Route{
          .name = "upload.list", .method = "GET", .path = "/uploads", .fields = kListFields, .run = run_at_once<list>},
      Route{.name = "upload.counts",
            .method = "GET",
            .path = "/counts",
            .fields = kCountFields,
            .run = run_at_once<counts>},
      Route{.name = "upload.add",
            .method = "POST",
            .path = "/uploads",
            .fields = add_fields(),
            .mutating = true,
            .repeatable = true,
            .created = "/uploads/{id}",
            .run = add},
      Route{.name = "upload.show",
            .method = "GET",
            .path = "/uploads/{id}",
            .fields = kOneFields,
            .run = run_at_once<show>},
      change_route<UploadChange::cancel>("upload.cancel", "/uploads/{id}/cancel"),
      change_route<UploadChange::pause>("upload.pause", "/uploads/{id}/pause"),
      change_route<UploadChange::resume>("upload.resume", "/uploads/{id}/resume"),
      change_route<UploadChange::retry>("upload.retry", "/uploads/{id}/retry"),
  };
  return kRoutes;
}

}  // namespace vodlift::rest
