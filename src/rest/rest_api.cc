#include "rest/rest_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <memory>

#include "base/encoding.h"
#include "base/hash.h"
#include "rest/idempotency.h"
#include "rest/problem.h"
#include "rest/request_fields.h"
#include "rest/route_table.h"

namespace vodlift::rest {
namespace {

constexpr Words<Principal::Via> kDoors = {
    {Principal::Via::socket, "administration"},
    {Principal::Via::session, "panel"},
    {Principal::Via::token, "token"},
};

// What routes change, and who may read it.
constexpr std::array<std::pair<std::string_view, Audience>, 5> kNouns = {{
    {"account", Audience::all},
    {"key", Audience::all},
    {"bucket", Audience::all},
    {"limit", Audience::operators},
    {"person", Audience::admins},
}};

std::optional<AccountId> cdn_of(const boost::json::object* fields) {
  const boost::json::value* cdn = fields == nullptr ? nullptr : fields->if_contains("cdn");
  const std::int64_t* number = cdn == nullptr ? nullptr : cdn->if_int64();
  return number == nullptr ? std::nullopt : std::optional<AccountId>(*number);
}

AuditEntry audit_entry(const Route& route, const Principal& who, std::string address,
                       const boost::json::object& fields) {
  AuditEntry entry;
  entry.door = kDoors.word(who.via);
  entry.address = std::move(address);
  entry.who = who.name;
  entry.token = who.label;
  entry.command = route.name;
  entry.cdn = cdn_of(&fields).value_or(entry.cdn);
  return entry;
}

// Tells the open streams, where a call of the route changes settings.
Reply::Succeeded teller_of(const Route& route, const Context& context, const boost::json::object& fields) {
  constexpr std::array kActs = {Act::change_keys, Act::configure, Act::manage_accounts, Act::manage_people};
  if (std::ranges::find(kActs, route.act) == kActs.end()) return {};
  const auto* const noun = std::ranges::find_if(
      kNouns, [&](const auto& one) { return route.name.substr(0, route.name.find('.')) == one.first; });
  if (noun == kNouns.end()) return {};
  return [&events = context.events, noun, cdn = cdn_of(&fields)](const boost::json::value& answer) {
    const auto whose = cdn ? cdn : cdn_of(answer.if_object());
    // Whose it is must be known where others may not know of it.
    events.settings_changed({noun->first, {whose, whose ? noun->second : std::max(noun->second, Audience::operators)}});
  };
}

// A key that would have no effect is refused: its sender relies on it.
Result<> read_idempotency_key(const Route& route, const net::Request& request, Caller& caller) {
  constexpr std::string_view kHeader = "idempotency-key";
  if (std::ranges::none_of(request.headers, [&](const auto& header) { return header.first == kHeader; })) return {};
  caller.idempotency_key = request.header(kHeader);
  if (auto checked = check_idempotency_key(caller.idempotency_key); !checked) return checked.error();
  if (!route.repeatable && route.mutating) {
    return Error{Errc::invalid_value, fmt::format("Idempotency-Key: {} {} takes none", route.method, route.path)};
  }
  // Nobody meets the keys of others. A name has no space, and the command line's keys are as they were.
  if (!caller.who.name.empty()) caller.idempotency_key = caller.who.name + " " + caller.idempotency_key;
  return {};
}

bool has_cdn(const Route& route) {
  return std::ranges::find(route.fields, "cdn", &FieldSpec::name) != route.fields.end();
}

// Whether the caller may do this to the things that the fields name. The role was checked.
Result<> check_owner(const Route& route, const Context& context, const Principal& who, const Fields& fields) {
  if (!who.cdn) return {};
  if (has_cdn(route)) {
    if (auto allowed = check_access(who, route.act, fields.number_if_given("cdn")); !allowed) return allowed;
  }
  return route.is_of == nullptr ? Result<>() : route.is_of(context, *who.cdn, fields);
}

// The member of a route's answer that is the id of an upload.
std::string_view upload_member(const Route& route) { return route.name.starts_with("upload.") ? "id" : "upload"; }

// Tells states of an object apart: the first digits of the SHA-256 of its JSON.
door::AuditedCall::State state_hash(const Route& route, const Context& context, boost::json::object names) {
  constexpr std::size_t kDigits = 16;
  return [&route, &context, names = std::move(names)](const boost::json::object& answer) mutable {
    for (const auto& member : answer) names.emplace(member.key(), member.value());
    const boost::json::value state = route.state_of(context, names);
    if (state.is_null()) return std::string();
    return to_hex(sha256(bytes_of(boost::json::serialize(state)))).substr(0, kDigits);
  };
}

// Whether the call only asks what would be changed, as some routes can tell.
bool is_dry_run(const Route& route, const boost::json::object& fields) {
  constexpr std::string_view kDryRun = "dry_run";
  const boost::json::value* wish = fields.if_contains(kDryRun);
  return wish != nullptr && wish->is_bool() && wish->get_bool() &&
         std::ranges::find(route.fields, kDryRun, &FieldSpec::name) != route.fields.end();
}

void run_route(const RouteMatch& match, const Context& context, Caller& caller, const net::Request& request,
               const std::shared_ptr<Reply>& reply) {
  const Route& route = *match.route;
  const Principal& who = caller.who;
  caller.last_event_id = request.header("last-event-id");
  caller.trace = parse_traceparent(request.header("traceparent"));
  auto object = gather_fields(match, request);
  if (!object) return reply->failure(object.error());
  // A caller with an account need not name it, and gets lists of nothing else.
  if (who.cdn && has_cdn(route)) object->emplace("cdn", *who.cdn);
  if (route.mutating && !is_dry_run(route, *object)) {
    door::AuditedCall call(context.audit, audit_entry(route, who, request.peer, *object), route.fields, *object,
                           route.audited_answer, upload_member(route));
    if (route.open) call.take_who_from("name");
    reply->audit(std::move(call), teller_of(route, context, *object));
  }
  if (const auto allowed = check_access(who, route.act, std::nullopt); !allowed) return reply->failure(allowed.error());
  if (const auto read = read_idempotency_key(route, request, caller); !read) return reply->failure(read.error());
  const auto fields = Fields::read(route.fields, *object, door::Dialect::strict);
  if (!fields) return reply->failure(fields.error());
  if (const auto owned = check_owner(route, context, who, *fields); !owned) return reply->failure(owned.error());
  if (route.state_of != nullptr) reply->begin_audited(state_hash(route, context, *object));
  route.run(context, caller, *fields, reply);
}

net::Response no_route(const RouteMatch& match, std::string_view path) {
  constexpr std::size_t kMaxShownBytes = 100;
  if (match.methods.empty()) {
    return RestApi::fault(Errc::path_not_found, fmt::format("there is nothing at {}", printable(path, kMaxShownBytes)));
  }
  net::Response response = RestApi::fault(Errc::method_not_allowed,
                                          fmt::format("{} takes {}", printable(path, kMaxShownBytes), match.methods));
  response.headers.emplace_back("Allow", match.methods);
  return response;
}

}  // namespace

Result<std::shared_ptr<const Account>> existing_account(const Context& context, AccountId cdn) {
  if (auto account = context.accounts.find_account(cdn)) return account;
  return Error{Errc::not_found, fmt::format("there is no account {}", cdn), "see: vodlift account list"};
}

Result<> known_account(const Context& context, AccountId cdn) {
  const auto account = existing_account(context, cdn);
  if (account) return {};
  const auto counts = context.uploads.counts();
  if (!counts) return counts.error();
  const auto is_of = [cdn](const UploadCount& one) { return one.account == cdn && one.uploads > 0; };
  return std::ranges::any_of(*counts, is_of) ? Result<>() : account.error();
}

void RestApi::handle(Caller caller, net::Request request, net::Responder respond) {
  // The match refers to the request's text.
  const auto kept = std::make_shared<const net::Request>(std::move(request));
  const std::string_view path = split_target(kept->target).first;
  RouteMatch match = find_route(kept->method, path);
  if (match.route == nullptr) return respond(no_route(match, path));
  const auto reply = std::make_shared<Reply>(std::move(respond), *match.route, caller.is_operator());
  door::run_on(context_.blocking, reply,
               [this, match = std::move(match), caller = std::move(caller), reply, kept]() mutable {
                 run_route(match, context_, caller, *kept, reply);
               });
}

void RestApi::run(Caller caller, const net::Request& request, net::Responder respond) {
  const std::string_view path = split_target(request.target).first;
  const RouteMatch match = find_route(request.method, path);
  if (match.route == nullptr) return respond(no_route(match, path));
  const auto reply = std::make_shared<Reply>(std::move(respond), *match.route, caller.is_operator());
  reply->guard([&] { run_route(match, context_, caller, request, reply); });
}

net::Response RestApi::fault(Errc code, std::string_view message) {
  return problem({code, std::string(message)}, true);
}

}  // namespace vodlift::rest
