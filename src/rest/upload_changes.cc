// Changes of one upload, of those that are named, and of all that a filter holds.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>

#include "core/upload_control.h"
#include "rest/idempotency.h"
#include "rest/uploads.h"

namespace vodlift::rest {
namespace {

using boost::json::object;

constexpr int kMaxBulk = 1000;            // uploads of one request
constexpr int kMaxNamed = 400;            // ids of one request: the audit log's line has room for them
constexpr std::size_t kMaxRefusals = 20;  // that an answer names; of uploads that were named, all

// Why an upload cannot be changed, and the command that helps an operator.
struct RefusalWords {
  ChangeRefusal refusal;
  std::string_view why;
  std::string_view command;
};
constexpr std::array kRefusals = {
    RefusalWords{ChangeRefusal::has_ended, "an upload that has ended cannot be changed", "see: vodlift status {id}"},
    RefusalWords{ChangeRefusal::is_completed, "to send the file again, queue a new upload",
                 "see: vodlift upload --help"},
    RefusalWords{ChangeRefusal::ended_just_now, "it ended just now; retry it to queue it again",
                 "vodlift upload retry {id}"},
    RefusalWords{ChangeRefusal::is_paused, "resume it first", "vodlift upload resume {id}"},
    RefusalWords{ChangeRefusal::is_running, "it is being sent", "follow it with: vodlift status {id} --watch"},
    RefusalWords{ChangeRefusal::is_cancelling, "it is being cancelled", "follow it with: vodlift status {id} --watch"},
    RefusalWords{ChangeRefusal::is_not_paused, "only a paused upload can be resumed",
                 "follow it with: vodlift status {id} --watch"},
};

Error refused(const ChangeOutcome& outcome) {
  const Upload& upload = outcome.upload;
  const auto* const words = std::ranges::find(kRefusals, *outcome.refusal, &RefusalWords::refusal);
  return {Errc::wrong_state, fmt::format("upload {} is {}: {}", upload.id, to_string(upload.state), words->why),
          fmt::format(fmt::runtime(words->command), fmt::arg("id", upload.id))};
}

struct Wish {
  UploadChange change{};
  int priority = 0;             // for set_priority
  std::string idempotency_key;  // empty: none
};

// Makes the change once for each Idempotency-Key. Answers the upload as it is then.
Result<ChangeOutcome> change_upload(const Context& context, const Wish& wish, const Upload& upload) {
  const auto account = existing_account(context, upload.account);
  if (!account) return account.error();
  const WallTime now = context.clock.now();
  // Upload and change are part of it: a key that comes with several of them is one key for each.
  const std::string key = wish.idempotency_key.empty()
                              ? std::string()
                              : fmt::format("{} {} {}", to_string(wish.change), upload.id, wish.idempotency_key);
  const auto first = find_repeat(context.uploads, kOperator, key, now);
  if (!first) return first.error();
  if (*first) {
    auto changed = existing_upload(context, **first, std::nullopt);
    if (!changed) return changed.error();
    return ChangeOutcome{std::move(*changed)};
  }
  ChangeRequest request;
  request.change = wish.change;
  request.priority = wish.priority;
  request.id = upload.id;
  request.account = upload.account;
  request.signature = signature_of(key, now);
  return UploadControl(context.uploads, context.intake).carry_out(**account, request);
}

template <UploadChange change>
void change_one(const Context& context, const Caller& caller, const Fields& fields,
                const std::shared_ptr<Reply>& reply) {
  const auto upload = existing_upload(context, fields.number("id"), fields.number_if_given("cdn"));
  if (!upload) return reply->failure(upload.error());
  const auto priority = static_cast<int>(change == UploadChange::set_priority ? fields.number("priority") : 0);
  const auto outcome = change_upload(context, {change, priority, caller.idempotency_key}, *upload);
  if (!outcome) return reply->failure(outcome.error());
  if (outcome->refusal) return reply->failure(refused(*outcome));
  reply->success({}, upload_json(outcome->upload, caller, context.clock.now()));
}

// The states in which an upload can be changed so; a filter without states means these.
std::vector<UploadState> states_for(UploadChange change) {
  switch (change) {
    case UploadChange::cancel:
    case UploadChange::set_priority:
      return {UploadState::queued, UploadState::paused, UploadState::uploading};
    case UploadChange::pause:
      return {UploadState::queued, UploadState::uploading};
    case UploadChange::resume:
      return {UploadState::paused};
    case UploadChange::retry:
      break;
  }
  return {UploadState::failed};
}

// What one request has done, or would do.
struct BulkOutcome {
  std::int64_t matched = 0;
  std::int64_t bytes = 0;
  std::int64_t changed = 0;
  std::int64_t refused = 0;
  bool named = false;           // who names uploads reads what became of each
  boost::json::array changes;   // those that were named, with the upload that came of each
  boost::json::array refusals;  // kMaxRefusals at most, unless they were named

  void refuse(UploadId id, const Error& why, const Caller& caller) {
    ++refused;
    if (!named && refusals.size() >= kMaxRefusals) return;
    const std::string detail = caller.is_operator() ? why.for_operator() : why.message;
    refusals.push_back(object{{"id", id}, {"code", info(why.code).name}, {"detail", detail}});
  }
};

void change_page(const Context& context, const Caller& caller, const Wish& wish, bool dry_run,
                 const std::vector<Upload>& uploads, BulkOutcome& done) {
  for (const Upload& upload : uploads) {
    ++done.matched;
    done.bytes += upload.size;
    if (dry_run) continue;
    const auto outcome = change_upload(context, wish, upload);
    if (!outcome) {
      done.refuse(upload.id, outcome.error(), caller);
    } else if (outcome->refusal) {
      done.refuse(upload.id, refused(*outcome), caller);
    } else {
      ++done.changed;
      if (!done.named) continue;
      done.changes.push_back(
          object{{"id", upload.id}, {"upload", upload_json(outcome->upload, caller, context.clock.now())}});
    }
  }
}

// Whether it says which uploads of an account are meant.
bool chooses(const UploadFilter& filter) {
  return !filter.states.empty() || !filter.errors.empty() || !filter.bucket.empty() || !filter.storage.empty() ||
         filter.priority || filter.created_since || filter.created_until || !filter.text.empty();
}

// The account that a caller is bound to narrows nothing: it is all that the caller has.
bool narrows(const UploadFilter& filter, const Caller& caller) {
  return (filter.account && !caller.who.cdn) || chooses(filter);
}

constexpr Words<UploadChange> kActions = {
    {UploadChange::cancel, "cancel"},
    {UploadChange::pause, "pause"},
    {UploadChange::resume, "resume"},
    {UploadChange::retry, "retry"},
    {UploadChange::set_priority, "set_priority"},
};

// What a request about many wants. Errors: missing_field.
Result<Wish> read_wish(const Caller& caller, const Fields& fields) {
  const auto priority = fields.number_if_given("new_priority");
  Wish wish{kActions.value(fields.text("action")).value(), static_cast<int>(priority.value_or(0)),
            caller.idempotency_key};
  if ((wish.change == UploadChange::set_priority) != priority.has_value()) {
    return Error{Errc::missing_field, "new_priority: give it with the action set_priority, and only then"};
  }
  return wish;
}

object bulk_json(const Fields& fields, BulkOutcome done, object extent) {
  extent["action"] = fields.text("action");
  extent["dry_run"] = fields.flag("dry_run");
  extent["matched"] = done.matched;
  extent["bytes"] = done.bytes;
  extent["changed"] = done.changed;
  extent["refused"] = done.refused;
  extent["changes"] = std::move(done.changes);
  extent["refusals"] = std::move(done.refusals);
  return extent;
}

// Changes the uploads that are named, newest first. One that does not exist is refused as those that cannot be changed.
void change_named(const Context& context, const Caller& caller, const Fields& fields, const Wish& wish,
                  const std::optional<AccountId>& cdn, const std::shared_ptr<Reply>& reply) {
  std::vector<UploadId> left = fields.ids("ids");  // in ascending order
  BulkOutcome done;
  done.named = true;
  while (!left.empty()) {
    const auto page = static_cast<std::ptrdiff_t>(std::min<std::size_t>(left.size(), kMaxPage));
    UploadQuery query;
    query.ids.assign(left.end() - page, left.end());
    left.erase(left.end() - page, left.end());
    const auto found = cdn ? context.uploads.find(*cdn, query) : context.uploads.find_in_all(query);
    if (!found) return reply->failure(found.error());
    change_page(context, caller, wish, fields.flag("dry_run"), *found, done);
    for (auto id = query.ids.rbegin(); id != query.ids.rend(); ++id) {
      if (std::ranges::find(*found, *id, &Upload::id) == found->end()) done.refuse(*id, no_upload(*id, cdn), caller);
    }
  }
  reply->success({}, bulk_json(fields, std::move(done), extent_json(0, std::nullopt)));
}

// Changes kMaxBulk uploads at most, newest first; `next` of the answer is the cursor for the others. A page whose
// search was bounded ends the request, so that it costs little.
void change_matching(const Context& context, const Caller& caller, const Fields& fields, const Wish& wish,
                     UploadSearch search, const std::shared_ptr<Reply>& reply) {
  if (search.filter.states.empty()) search.filter.states = states_for(wish.change);
  search.limit = kMaxPage;
  BulkOutcome done;
  UploadPage page;
  do {
    auto found = context.uploads.search(search);
    if (!found) return reply->failure(found.error());
    page = std::move(*found);
    change_page(context, caller, wish, fields.flag("dry_run"), page.uploads, done);
    search.before = page.next;
  } while (page.next != 0 && !page.searched_to && done.matched < kMaxBulk);
  reply->success({}, bulk_json(fields, std::move(done), extent_json(page.next, page.searched_to)));
}

void change_many(const Context& context, const Caller& caller, const Fields& fields,
                 const std::shared_ptr<Reply>& reply) {
  auto search = read_search(context, fields);
  if (!search) return reply->failure(search.error());
  const auto wish = read_wish(caller, fields);
  if (!wish) return reply->failure(wish.error());
  const UploadFilter& filter = search->filter;
  if (fields.has("ids")) {
    if (chooses(filter) || fields.flag("all") || fields.has("cursor")) {
      return reply->failure({Errc::invalid_value, "ids: not with a filter, all or cursor; they are the uploads"});
    }
    return change_named(context, caller, fields, *wish, filter.account, reply);
  }
  if (!narrows(filter, caller) && !fields.flag("all")) {
    return reply->failure({Errc::missing_field,
                           "give ids, or a filter such as state, bucket or since; or all, which is true for every "
                           "upload"});
  }
  change_matching(context, caller, fields, *wish, std::move(*search), reply);
}

constexpr FieldSpec priority_field(std::string_view name, bool required) {
  return {
      .name = name, .type = FieldType::number, .required = required, .low = 0, .high = kMaxPriority, .audited = true};
}

constexpr std::array kOneFields = {kCdnIfGiven, kId};
constexpr std::array kSetFields = {kCdnIfGiven, kId, priority_field("priority", true)};
constexpr auto kManyFields = [] {
  std::array<FieldSpec, kFilterFields.size() + 6> all{};
  std::ranges::copy(kFilterFields, all.begin());
  all[kFilterFields.size()] = kCursor;
  all[kFilterFields.size() + 1] = {
      .name = "action", .type = FieldType::word, .required = true, .words = kActions.all(), .audited = true};
  all[kFilterFields.size() + 2] = {.name = "dry_run", .type = FieldType::flag};
  all[kFilterFields.size() + 3] = {.name = "all", .type = FieldType::flag, .audited = true};
  all[kFilterFields.size() + 4] = priority_field("new_priority", false);
  all[kFilterFields.size() + 5] = {.name = "ids", .type = FieldType::ids, .high = kMaxNamed, .audited = true};
  return all;
}();

template <UploadChange change>
constexpr Route change_route(std::string_view name, std::string_view path) {
  return {.name = name,
          .act = Act::change_uploads,
          .method = "POST",
          .path = path,
          .fields = kOneFields,
          .mutating = true,
          .repeatable = true,
          .run = change_one<change>};
}

constexpr std::array kUploadChangesRoutes = {
    change_route<UploadChange::cancel>("upload.cancel", "/uploads/{id}/cancel"),
    change_route<UploadChange::pause>("upload.pause", "/uploads/{id}/pause"),
    change_route<UploadChange::resume>("upload.resume", "/uploads/{id}/resume"),
    change_route<UploadChange::retry>("upload.retry", "/uploads/{id}/retry"),
    Route{.name = "upload.set",
          .act = Act::change_uploads,
          .method = "PATCH",
          .path = "/uploads/{id}",
          .fields = kSetFields,
          .mutating = true,
          .repeatable = true,
          .run = change_one<UploadChange::set_priority>},
    Route{.name = "upload.bulk",
          .act = Act::change_uploads,
          .method = "POST",
          .path = "/uploads/bulk",
          .fields = kManyFields,
          .mutating = true,
          .repeatable = true,
          .run = change_many},
};

}  // namespace

std::span<const Route> upload_change_routes() { return kUploadChangesRoutes; }

}  // namespace vodlift::rest
