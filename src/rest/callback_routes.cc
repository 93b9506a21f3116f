#include <array>
#include <boost/json/array.hpp>

#include "base/encoding.h"
#include "base/log.h"
#include "rest/callbacks.h"
#include "rest/uploads.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::size_t kMaxReceiverBytes = 300;
constexpr std::size_t kMaxErrorBytes = 2048;
// The states of a callback that there is; an upload without one, or before its end, has others.
constexpr std::array<std::string_view, 4> kStates = {"pending", "delivered", "failed", "stopped"};

value text_or_null(const std::string& text) { return text.empty() ? value(nullptr) : value(text); }
value status_or_null(int http_status) { return http_status == 0 ? value(nullptr) : value(http_status); }
value time_or_null(const std::optional<WallTime>& time) {
  return time ? value(to_unix_seconds(*time)) : value(nullptr);
}

object try_json(const CallbackTry& one) {
  return {{"number", one.number},
          {"at", to_unix_seconds(one.at)},
          {"took_ms", one.took.count()},
          {"http_status", status_or_null(one.http_status)},
          {"error", text_or_null(printable(one.error, kMaxErrorBytes))}};
}

Result<value> story_json(const Result<CallbackStory>& story, const Caller& caller) {
  if (!story) return story.error();
  object json = callback_json(story->callback, caller.who.role);
  json["body"] = story->body;
  boost::json::array tries;
  for (const CallbackTry& one : story->attempts) tries.push_back(try_json(one));
  json["tries"] = std::move(tries);
  return value(std::move(json));
}

// The one callback of an upload, as a list.
Result<value> list_of_upload(const Context& context, const Caller& caller, UploadId upload, AccountId cdn) {
  const auto story = context.callbacks.find_of(upload);
  if (!story && story.error().code != Errc::not_found) return story.error();
  object answer = extent_json(0, std::nullopt);
  boost::json::array items;
  if (story && (cdn == 0 || story->callback.account == cdn))
    items.push_back(callback_json(story->callback, caller.who.role));
  answer["items"] = std::move(items);
  return value(std::move(answer));
}

Result<value> list_callbacks(const Context& context, const Caller& caller, const Fields& fields) {
  const AccountId cdn = fields.number("cdn");
  if (cdn != 0) {
    if (auto known = known_account(context, cdn); !known) return known.error();
  }
  if (fields.has("upload")) return list_of_upload(context, caller, fields.number("upload"), cdn);
  const auto before = read_cursor(fields.text("cursor"));
  if (!before) return before.error();
  CallbackQuery query;
  query.account = cdn;
  query.state = callback_state_from(fields.text("state"));
  query.receiver = fields.text("receiver");
  query.before = *before;
  query.limit = static_cast<int>(fields.number_if_given("limit").value_or(query.limit));
  const auto page = context.callbacks.list(query);
  if (!page) return page.error();
  object answer = extent_json(page->next, page->searched_to);
  boost::json::array items;
  for (const CallbackView& callback : page->callbacks) items.push_back(callback_json(callback, caller.who.role));
  answer["items"] = std::move(items);
  return value(std::move(answer));
}

object receiver_json(const Context& context, const CallbackReceiver& one) {
  const ReceiverSums& sums = one.sums;
  const std::int64_t delivered = sums.delivered.both();
  const std::int64_t failed = sums.failed.both();
  const bool tried = delivered + failed > 0;
  object json{{"receiver", printable(one.receiver, kMaxReceiverBytes)},
              {"delivered", delivered},
              {"failed", failed},
              {"pending", sums.waiting},
              {"last_error", text_or_null(printable(sums.last_error, kMaxErrorBytes))},
              {"last_failure", time_or_null(sums.last_failure)},
              {"last_success", time_or_null(sums.last_success)},
              {"failing_since", time_or_null(sums.failing_since)},
              {"disabled", is_disabled(context, one)}};
  json["cdn"] = one.account == kOtherReceivers ? value(nullptr) : value(one.account);
  json["success_rate"] =
      tried ? value(static_cast<double>(delivered) / static_cast<double>(delivered + failed)) : value(nullptr);
  json["latency_ms"] = sums.latency ? value(sums.latency->count()) : value(nullptr);
  return json;
}

Result<value> receivers(const Context& context, const Fields& fields) {
  const AccountId cdn = fields.number("cdn");
  if (cdn != 0) {
    if (const auto account = existing_account(context, cdn); !account) return account.error();
  }
  const auto found = context.callbacks.receivers(cdn);
  if (!found) return found.error();
  boost::json::array items;
  for (const CallbackReceiver& one : *found) items.push_back(receiver_json(context, one));
  return collection(std::move(items));
}

Result<> is_of(const Context& context, AccountId cdn, const Fields& fields) {
  const std::int64_t id = fields.number("id");
  const auto story = context.callbacks.find(id);
  if (!story) return story.error();
  if (story->callback.account != cdn) return no_such_callback(id);
  return {};
}

Result<value> show(const Context& context, const Caller& caller, const Fields& fields) {
  return story_json(context.callbacks.find(fields.number("id")), caller);
}

Result<value> send(const Context& context, const Caller& caller, const Fields& fields) {
  const std::int64_t id = fields.number("id");
  const auto story = context.callbacks.find(id);
  if (!story) return story.error();
  // The secrets that it would be signed with are gone with the account.
  if (const auto account = existing_account(context, story->callback.account); !account) return account.error();
  if (auto sent = context.callbacks.send_again(id); !sent) return sent.error();
  log::info("a callback is sent again", {{"callback", id}});
  return story_json(context.callbacks.find(id), caller);
}

Result<value> test(const Context& context, const Caller& caller, const Fields& fields) {
  const auto sent = context.callback_tester.send(fields.number("cdn"), std::string(fields.text("url")));
  if (!sent) return sent.error();
  value failure;
  if (sent->failure) failure = caller.is_operator() ? sent->failure->for_operator() : sent->failure->message;
  return value(object{{"delivered", sent->delivered()},
                      {"webhook_id", sent->webhook_id},
                      {"body", sent->body},
                      {"took_ms", sent->took.count()},
                      {"http_status", status_or_null(sent->http_status)},
                      {"error", std::move(failure)}});
}

constexpr FieldSpec with_name(FieldSpec spec, std::string_view name) {
  spec.name = name;
  return spec;
}
constexpr FieldSpec optional_field(FieldSpec spec) {
  spec.required = false;
  return spec;
}

constexpr std::array kListFields = {
    kCdnIfGiven,
    FieldSpec{.name = "state", .type = FieldType::word, .words = kStates},
    FieldSpec{.name = "receiver", .high = kMaxReceiverBytes},
    optional_field(with_name(kId, "upload")),
    kLimit,
    kCursor,
};
constexpr std::array kOneFields = {kId};
constexpr std::array kReceiverFields = {kCdnIfGiven};
constexpr std::array kTestFields = {
    kCdn,
    FieldSpec{.name = "url", .required = true, .high = kMaxCallbackBytes},
};

constexpr std::array kCallbackRoutes = {
    Route{.name = "callback.list",
          .act = Act::read,
          .method = "GET",
          .path = "/callbacks",
          .fields = kListFields,
          .run = run_at_once<list_callbacks>},
    Route{.name = "callback.receivers",
          .act = Act::read,
          .method = "GET",
          .path = "/callbacks/receivers",
          .fields = kReceiverFields,
          .run = run_at_once<receivers>},
    Route{.name = "callback.test",
          .act = Act::change_uploads,
          .load = Load::outside,
          .method = "POST",
          .path = "/callbacks/test",
          .fields = kTestFields,
          .mutating = true,
          .run = run_at_once<test>},
    Route{.name = "callback.show",
          .act = Act::read,
          .is_of = is_of,
          .method = "GET",
          .path = "/callbacks/{id}",
          .fields = kOneFields,
          .run = run_at_once<show>},
    Route{.name = "callback.send",
          .act = Act::change_uploads,
          .is_of = is_of,
          .method = "POST",
          .path = "/callbacks/{id}/send",
          .fields = kOneFields,
          .mutating = true,
          .run = run_at_once<send>},
};

}  // namespace

bool is_disabled(const Context& context, const CallbackReceiver& one) {
  if (one.account == kOtherReceivers) return false;
  return context.disabled_receivers.has(one.sums.failing(context.clock.now()));
}

object callback_json(const CallbackView& callback, Role role) {
  boost::json::array actions;
  if (role_may(role, Act::change_uploads) && may_send_again(callback.under_way)) actions.emplace_back("send");
  return {{"id", callback.id},
          {"upload", callback.upload},
          {"cdn", callback.account},
          {"webhook_id", callback.webhook_id},
          {"url", callback.url},
          {"receiver", callback.receiver},
          {"state", to_string(callback.state)},
          {"attempts", callback.attempts},
          {"under_way", callback.under_way},
          {"created", to_unix_seconds(callback.created)},
          {"next_attempt", time_or_null(callback.next_attempt)},
          {"last", callback.last ? value(try_json(*callback.last)) : value(nullptr)},
          {"actions", std::move(actions)}};
}

std::span<const Route> callback_routes() { return kCallbackRoutes; }

}  // namespace vodlift::rest
