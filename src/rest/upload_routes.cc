#include <fmt/format.h>

#include <array>
#include <boost/json/array.hpp>
#include <limits>

#include "base/log.h"
#include "core/upload_control.h"
#include "core/upload_fields.h"
#include "core/upload_json.h"
#include "rest/route.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

constexpr int kMaxIds = 100;
constexpr int kMaxLimit = 100;

void add(const Context& context, const Fields& fields, const std::shared_ptr<Reply>& reply) {
  const AccountId cdn = fields.number("cdn");
  const auto account = existing_account(context, cdn);
  if (!account) return reply->failure(account.error());
  auto checked = context.intake.check(**account, door::read_upload_request(fields));
  if (!checked) return reply->failure(checked.error());
  context.uploads.insert(std::move(*checked), [reply, cdn](Result<InsertOutcome> inserted) {
    reply->guard([&] {
      if (!inserted) return reply->failure(inserted.error());
      log::info("upload queued by an operator", {{"cdn", cdn}, {"upload", inserted->id}});
      reply->success({}, object{{"id", inserted->id}});
    });
  });
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

// The upload of the field `id`: of the account that is named, or of any, because an id is of one upload of all.
Result<Upload> existing_upload(const Context& context, const Fields& fields) {
  UploadQuery query;
  query.ids = {fields.number("id")};
  const auto cdn = fields.number_if_given("cdn");
  auto found = find(context, cdn, query);
  if (!found) return found.error();
  if (found->empty()) return no_upload(query.ids.front(), cdn);
  return std::move(found->front());
}

Result<value> show(const Context& context, const Fields& fields) {
  const auto upload = existing_upload(context, fields);
  if (!upload) return upload.error();
  return value(to_operator_json(*upload, context.clock.now()));
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
Result<value> carry_out(const Context& context, const Fields& fields) {
  const auto upload = existing_upload(context, fields);
  if (!upload) return upload.error();
  const auto account = existing_account(context, upload->account);
  if (!account) return account.error();
  ChangeRequest request;
  request.change = change;
  request.id = upload->id;
  request.account = upload->account;
  const auto outcome = UploadControl(context.uploads, context.intake).carry_out(**account, request);
  if (!outcome) return outcome.error();
  if (outcome->refusal) return refused(*outcome);
  return value(to_operator_json(outcome->upload, context.clock.now()));
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
          .run = run_at_once<carry_out<change>>};
}

}  // namespace

std::span<const Route> upload_routes() {
  static const std::array kRoutes = {
      Route{
          .name = "upload.list", .method = "GET", .path = "/uploads", .fields = kListFields, .run = run_at_once<list>},
      Route{.name = "upload.add",
            .method = "POST",
            .path = "/uploads",
            .fields = add_fields(),
            .mutating = true,
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
