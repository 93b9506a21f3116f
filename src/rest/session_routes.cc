// Signing in and out, and one-time links.
#include <array>

#include "rest/cookie.h"
#include "rest/people.h"
#include "rest/route.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

Error no_session() { return {Errc::wrong_state, "this request has no session: sign in, as the Control Panel does"}; }

object session_json(const Context& context, const Principal& who, const Secret& session, WallTime expires) {
  const std::string api_url = context.api_url();
  return {{"name", who.name},
          {"role", to_string(who.role)},
          {"cdn", cdn_json(who.cdn)},
          {"csrf", csrf_of(session).reveal()},
          {"expires", to_unix_seconds(expires)},
          {"api_url", api_url.empty() ? value(nullptr) : value(api_url)}};
}

// The new session takes the place of the one that the browser had.
void answer_begun(const Context& context, const Caller& caller, const SignInAnswer& outcome, Reply& reply) {
  if (outcome.too_often) return reply.throttled(outcome.refusal.error, outcome.refusal.retry_after);
  if (!outcome.begun) return reply.failure(outcome.refusal.error);
  if (!caller.session.empty()) static_cast<void>(context.sessions.end(access_hash(caller.session.reveal())));
  const Begun& begun = *outcome.begun;
  reply.add_header("Set-Cookie", session_cookie(begun.secret, caller.secure));
  reply.success({}, session_json(context, principal_of(begun.session), begun.secret, begun.session.expires));
}

void begin(const Context& context, const Caller& caller, const Fields& fields, const std::shared_ptr<Reply>& reply) {
  const Secret password{std::string(fields.text("password"))};
  answer_begun(context, caller, context.sign_in.sign_in(std::string(fields.text("name")), password, caller.who.address),
               *reply);
}

void set_up(const Context& context, const Caller& caller, const Fields& fields, const std::shared_ptr<Reply>& reply) {
  const Secret password{std::string(fields.text("password"))};
  answer_begun(
      context, caller,
      context.sign_in.use_link(fields.text("token"), std::string(fields.text("name")), password, caller.who.address),
      *reply);
}

void change_password(const Context& context, const Caller& caller, const Fields& fields,
                     const std::shared_ptr<Reply>& reply) {
  if (caller.session.empty()) return reply->failure(no_session());
  const Secret password{std::string(fields.text("password"))};
  const Secret fresh{std::string(fields.text("new_password"))};
  answer_begun(context, caller, context.sign_in.change_password(caller.who.name, password, fresh, caller.who.address),
               *reply);
}

Result<value> show(const Context& context, const Caller& caller, const Fields& /*fields*/) {
  if (caller.session.empty() || !caller.expires) return no_session();
  return value(session_json(context, caller.who, caller.session, *caller.expires));
}

void end(const Context& context, const Caller& caller, const Fields& /*fields*/, const std::shared_ptr<Reply>& reply) {
  if (caller.session.empty()) return reply->failure(no_session());
  if (const auto ended = context.sessions.end(access_hash(caller.session.reveal())); !ended) {
    return reply->failure(ended.error());
  }
  reply->add_header("Set-Cookie", session_cookie(Secret(), caller.secure));
  reply->success({}, object());
}

constexpr FieldSpec password_field(std::string_view name) {
  return {.name = name, .required = true, .high = kMaxPasswordBytes};
}

constexpr std::array kBeginFields = {
    FieldSpec{.name = "name", .required = true, .high = kMaxPersonNameBytes, .audited = true},
    password_field("password"),
};
constexpr std::array kSetUpFields = {
    FieldSpec{.name = "token", .required = true, .high = kMaxSecretBytes},
    FieldSpec{.name = "name", .high = kMaxPersonNameBytes, .audited = true},
    password_field("password"),
};
constexpr std::array kPasswordFields = {password_field("password"), password_field("new_password")};

constexpr std::array kSessionRoutes = {
    Route{.name = "session.begin",
          .act = Act::manage_self,
          .shared = true,
          .open = true,
          .load = Load::hashes,
          .method = "POST",
          .path = "/session",
          .fields = kBeginFields,
          .mutating = true,
          .run = begin},
    Route{.name = "session.show",
          .act = Act::manage_self,
          .shared = true,
          .method = "GET",
          .path = "/session",
          .run = run_at_once<show>},
    Route{.name = "session.end",
          .act = Act::manage_self,
          .shared = true,
          .method = "DELETE",
          .path = "/session",
          .mutating = true,
          .run = end},
    Route{.name = "session.password",
          .act = Act::manage_self,
          .shared = true,
          .load = Load::hashes,
          .method = "POST",
          .path = "/session/password",
          .fields = kPasswordFields,
          .mutating = true,
          .run = change_password},
    Route{.name = "setup.run",
          .act = Act::manage_self,
          .shared = true,
          .open = true,
          .load = Load::hashes,
          .method = "POST",
          .path = "/setup",
          .fields = kSetUpFields,
          .mutating = true,
          .run = set_up},
};

}  // namespace

std::span<const Route> session_routes() { return kSessionRoutes; }

}  // namespace vodlift::rest
