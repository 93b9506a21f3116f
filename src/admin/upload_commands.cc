#include <fmt/format.h>

#include <array>
#include <boost/json/array.hpp>
#include <limits>

#include "admin/command.h"
#include "base/log.h"
#include "core/upload_control.h"
#include "core/upload_fields.h"
#include "core/upload_json.h"

namespace vodlift::admin {
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

// The account that is named, or the one that the upload belongs to: an id is of one upload of all.
Result<std::shared_ptr<const Account>> owner_of(const Context& context, UploadId id, std::optional<AccountId> cdn) {
  if (cdn) return existing_account(context, *cdn);
  UploadQuery query;
  query.ids = {id};
  const auto found = context.uploads.find_in_all(query);
  if (!found) return found.error();
  if (found->empty()) {
    return Error{Errc::upload_not_found, fmt::format("there is no upload {}; see: vodlift status", id)};
  }
  return existing_account(context, found->front().account);
}

Result<value> list(const Context& context, const Fields& fields) {
  UploadQuery query;
  query.ids = fields.ids("ids");
  if (!query.ids.empty() && (fields.has("limit") || fields.has("offset"))) {
    return Error{Errc::invalid_value, "ids: cannot be combined with limit and offset"};
  }
  for (const std::string_view word : fields.words("states")) query.states.push_back(upload_state_from(word).value());
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
  return value(std::move(answer));
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
  ChangeRequest request;
  request.change = change;
  request.id = fields.number("id");
  const auto account = owner_of(context, request.id, fields.number_if_given("cdn"));
  if (!account) return account.error();
  request.account = (*account)->cdn;
  const auto outcome = UploadControl(context.uploads, context.intake).carry_out(**account, request);
  if (!outcome && outcome.error().code == Errc::upload_not_found) {
    return Error{Errc::upload_not_found, fmt::format("account {0} has no upload {1}; see: vodlift status --cdn {0}",
                                                     request.account, request.id)};
  }
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
    FieldSpec{.name = "states", .type = FieldType::words, .words = kUploadStates.all()},
};

constexpr std::array kChangeFields = {
    kCdnIfGiven,
    FieldSpec{.name = "id",
              .type = FieldType::number,
              .required = true,
              .low = 1,
              .high = std::numeric_limits<std::int64_t>::max(),
              .audited = true},
};

template <UploadChange change>
constexpr Command change_command(std::string_view name) {
  return {.name = name, .mutating = true, .fields = kChangeFields, .run = run_at_once<carry_out<change>>};
}

}  // namespace

std::span<const Command> upload_commands() {
  static const std::array kCommands = {
      Command{.name = "upload.add", .mutating = true, .fields = add_fields(), .run = add},
      change_command<UploadChange::cancel>("upload.cancel"),
      change_command<UploadChange::pause>("upload.pause"),
      change_command<UploadChange::resume>("upload.resume"),
      change_command<UploadChange::retry>("upload.retry"),
      Command{.name = "upload.list", .fields = kListFields, .run = run_at_once<list>},
  };
  return kCommands;
}

}  // namespace vodlift::admin
