#include <algorithm>
#include <array>
#include <boost/json/array.hpp>

#include "rest/idempotency.h"
#include "rest/uploads.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

// Answers the upload that the same Idempotency-Key got before. A key that comes with another request is an error of the
// client, who would take the answer for that of the other request.
void answer_repeat(const Context& context, UploadId id, AccountId cdn, const UploadRequest& asked, Reply& reply) {
  UploadQuery query;
  query.ids = {id};
  const auto found = context.uploads.find_in_all(query);
  if (!found) return reply.failure(found.error());
  const bool same = !found->empty() && found->front().account == cdn && same_request(found->front().request, asked);
  if (same) return reply.success({}, object{{"id", id}});
  reply.failure(other_request(id));
}

void insert(const Context& context, NewUpload upload, const std::shared_ptr<Reply>& reply) {
  const auto asked = std::make_shared<const UploadRequest>(upload.request);
  const AccountId cdn = upload.account;
  context.uploads.insert(std::move(upload), [reply, asked, &context, cdn](Result<InsertOutcome> inserted) {
    reply->guard([&] {
      if (!inserted) return reply->failure(inserted.error());
      const UploadId id = inserted->id;
      if (!inserted->repeated) return reply->success({}, object{{"id", id}});
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
  upload->trace = caller.trace;
  insert(context, std::move(*upload), reply);
}

Result<value> show(const Context& context, const Caller& caller, const Fields& fields) {
  return upload_detail(context, caller, fields.number("id"), fields.number_if_given("cdn"));
}

boost::json::array uploads_json(const Context& context, const Caller& caller, const std::vector<Upload>& uploads) {
  boost::json::array array;
  const WallTime now = context.clock.now();
  for (const Upload& upload : uploads) array.push_back(upload_json(upload, caller, now));
  return array;
}

// The uploads of these ids that there are, newest first.
Result<value> list_ids(const Context& context, const Caller& caller, const Fields& fields) {
  const auto cdn = fields.number_if_given("cdn");
  UploadQuery query;
  query.ids = fields.ids("ids");
  const auto found = cdn ? context.uploads.find(*cdn, query) : context.uploads.find_in_all(query);
  if (!found) return found.error();
  return collection(uploads_json(context, caller, *found));
}

Result<value> list_uploads(const Context& context, const Caller& caller, const Fields& fields) {
  if (fields.has("ids")) return list_ids(context, caller, fields);
  auto search = read_search(context, fields);
  if (!search) return search.error();
  search->limit = static_cast<int>(fields.number_if_given("limit").value_or(search->limit));
  const auto page = context.uploads.search(*search);
  if (!page) return page.error();
  if (page->uploads.empty() && context.accounts.accounts().empty()) {
    return Error{Errc::not_found, "there is no account yet", "see: vodlift account add --help"};
  }
  object answer = extent_json(page->next, page->searched_to);
  answer["items"] = uploads_json(context, caller, page->uploads);
  return value(std::move(answer));
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

// cdn, and every field of an upload.
const std::vector<FieldSpec>& add_fields() {
  static const std::vector<FieldSpec> kFields = [] {
    std::vector<FieldSpec> fields = {kCdn};
    for (const FieldSpec& spec : upload_field_specs()) fields.push_back(spec);
    return fields;
  }();
  return kFields;
}

constexpr auto kListFields = [] {
  std::array<FieldSpec, kFilterFields.size() + 3> all{};
  std::ranges::copy(kFilterFields, all.begin());
  all[kFilterFields.size()] = kCursor;
  all[kFilterFields.size() + 1] = kLimit;
  all[kFilterFields.size() + 2] = {.name = "ids", .type = FieldType::ids, .high = kMaxPage};
  return all;
}();
constexpr std::array kCountFields = {kCdnIfGiven};

constexpr std::array kShowFields = {kCdnIfGiven, kId};

}  // namespace

std::span<const Route> upload_routes() {
  static const std::array kRoutes = {
      Route{.name = "upload.list",
            .act = Act::read,
            .method = "GET",
            .path = "/uploads",
            .fields = kListFields,
            .run = run_at_once<list_uploads>},
      Route{.name = "upload.counts",
            .act = Act::read,
            .method = "GET",
            .path = "/counts",
            .fields = kCountFields,
            .run = run_at_once<counts>},
      Route{.name = "upload.add",
            .act = Act::change_uploads,
            .method = "POST",
            .path = "/uploads",
            .fields = add_fields(),
            .mutating = true,
            .repeatable = true,
            .created = "/uploads/{id}",
            .run = add},
      Route{.name = "upload.show",
            .act = Act::read,
            .method = "GET",
            .path = "/uploads/{id}",
            .fields = kShowFields,
            .run = run_at_once<show>},
  };
  return kRoutes;
}

}  // namespace vodlift::rest
