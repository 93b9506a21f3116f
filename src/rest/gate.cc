#include "rest/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <functional>

#include "base/log.h"
#include "base/text.h"
#include "core/sign_in.h"
#include "rest/cookie.h"
#include "rest/problem.h"
#include "rest/request_fields.h"
#include "rest/route_table.h"

namespace vodlift::rest {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::string_view kBearer = "bearer ";

bool changes_something(const net::Request& request) { return request.method != "GET" && request.method != "HEAD"; }

net::Response nobody() {
  net::Response response = problem({Errc::not_authorized, "sign in, or send a token that is valid"}, false);
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

net::Response too_fast(std::string_view policy, const Rate& rate, nanoseconds wait) {
  const seconds after = std::max(std::chrono::ceil<seconds>(wait), seconds(1));
  net::Response response =
      too_many({Errc::overloaded, fmt::format("too many requests; try again in {} s", after.count())}, after);
  response.headers.emplace_back("RateLimit-Policy",
                                fmt::format("\"{}\";q={};w={}", policy, rate.burst, rate.burst / rate.per_second));
  response.headers.emplace_back("RateLimit", fmt::format("\"{}\";r=0;t={}", policy, after.count()));
  return response;
}

net::Response overloaded() {
  return problem({Errc::overloaded, "more traffic than usual; try again in a moment"}, false);
}

// Whose share of the threads a request takes: the account's, or the person's.
std::int64_t share_of(const Principal& who) {
  if (who.cdn) return *who.cdn;
  return -1 - static_cast<std::int64_t>(std::hash<std::string>()(who.name) >> 1U);
}

// The limit of a caller is the person's, however many sessions there are, or the token's.
std::string name_of(const Principal& who) { return who.name + " " + who.label; }

// Whether an answer that `then` gets may go on: it shows what the role and the account may see.
bool may_still_read(const Principal& then, const std::optional<Principal>& now) {
  return now && now->role == then.role && now->cdn == then.cdn;
}

// "https://host:1" -> "host:1"; the port that the scheme implies goes.
std::string_view host_of(std::string_view origin) {
  const std::size_t at = origin.find("://");
  if (at == std::string_view::npos) return {};
  const std::string_view implied = origin.starts_with("https") ? ":443" : ":80";
  std::string_view host = origin.substr(at + 3);
  if (host.ends_with(implied)) host.remove_suffix(implied.size());
  return host;
}

}  // namespace

Gate::Gate(RestApi& api, Sessions& sessions, Pools pools, Options options)
    : api_(api),
      sessions_(sessions),
      pools_(pools),
      options_(std::move(options)),
      networks_(options_.of_network, options_.buckets),
      callers_(options_.of_caller, options_.buckets) {}

ThreadPool& Gate::pool_of(const Route* route) const {
  const Load load = route == nullptr ? Load::usual : route->load;
  if (load == Load::hashes) return pools_.hashes;
  return load == Load::outside ? pools_.outside : pools_.usual;
}

void Gate::handle(net::Request request, net::Responder respond) {
  const nanoseconds wait = networks_.take(client_network(request.peer), options_.now());
  if (wait > nanoseconds::zero()) return respond(too_fast("network", options_.of_network, wait));
  const Route* const route = find_route(request.method, split_target(request.target).first).route;
  const auto visit = std::make_shared<const Visit>(Visit{std::move(request), std::move(respond), route});
  const bool posted = pool_of(route).post([this, visit] {
    // A responder that goes without a call answers 500.
    try {
      admit(visit);
    } catch (const std::exception& error) {
      log::error("a request could not be let in", {{"error", error.what()}});
    }
  });
  if (!posted) visit->respond(overloaded());
}

void Gate::admit(const Shared& visit) {
  Caller caller;
  caller.who.via = Principal::Via::session;
  if (auto response = refusal(*visit, caller)) return visit->respond(std::move(*response));
  caller.who.address = visit->request.peer;
  caller.secure = options_.secure;
  const bool usual = visit->route != nullptr && visit->route->load == Load::usual;
  if (!usual) return run(visit, std::move(caller));
  const std::int64_t share = share_of(caller.who);
  if (!pools_.fair.post(share, [this, visit, caller = std::move(caller)] { run(visit, caller); })) {
    visit->respond(overloaded());
  }
}

std::optional<net::Response> Gate::refusal(const Visit& visit, Caller& caller) {
  const bool open = visit.route != nullptr && visit.route->open;
  if (open) {
    // What an earlier session was is no matter here, but that the new one takes its place.
    caller.session = session_in(visit.request, options_.secure).value_or(Secret());
  } else {
    auto found = find_caller(visit.request);
    if (!found) {
      log::error("who sends a request cannot be looked up", {{"error", found.error().for_operator()}});
      return problem({Errc::internal, "the server cannot look up who you are; try again later"}, false);
    }
    if (!*found) return nobody();
    caller = std::move(**found);
    const nanoseconds wait = callers_.take(name_of(caller.who), options_.now());
    if (wait > nanoseconds::zero()) return too_fast("caller", options_.of_caller, wait);
  }
  if (!changes_something(visit.request) || caller.who.via != Principal::Via::session) return std::nullopt;
  if (const auto own = check_origin(visit.request); !own) return problem(own.error(), false);
  if (open || is_csrf_of(caller.session, visit.request.header("x-csrf-token"))) return std::nullopt;
  return problem({Errc::permission_denied, "X-CSRF-Token: expected the csrf of this session; GET /session has it"},
                 false);
}

void Gate::run(const Shared& visit, Caller caller) { api_.run(std::move(caller), visit->request, visit->respond); }

Result<std::optional<Caller>> Gate::find_caller(const net::Request& request) {
  const std::string_view authorization = request.header("authorization");
  if (!authorization.empty()) {
    if (to_lower(authorization.substr(0, kBearer.size())) != kBearer) return std::optional<Caller>();
    return caller_of_token(trimmed(authorization.substr(kBearer.size())));
  }
  auto session = session_in(request, options_.secure);
  if (!session) return std::optional<Caller>();
  return caller_of_session(std::move(*session));
}

Result<std::optional<Caller>> Gate::caller_of_token(std::string_view shown) {
  const auto found = sessions_.find_token(access_hash(shown));
  if (!found) return found.error();
  if (!*found) return std::optional<Caller>();
  auto who = principal_of(**found);
  if (!who) return std::optional<Caller>();
  Caller caller{std::move(*who)};
  caller.still_valid = [this, hash = access_hash(shown), who = caller.who] {
    const auto now = sessions_.find_token(hash);
    return !now || (*now && may_still_read(who, principal_of(**now)));
  };
  return std::optional(std::move(caller));
}

Result<std::optional<Caller>> Gate::caller_of_session(Secret shown) {
  const auto found = sessions_.find(access_hash(shown.reveal()));
  if (!found) return found.error();
  if (!*found) return std::optional<Caller>();
  Caller caller{principal_of(**found), std::move(shown), (*found)->expires};
  caller.still_valid = [this, hash = access_hash(caller.session.reveal()), who = caller.who] {
    const auto now = sessions_.find(hash);
    return !now || (*now && may_still_read(who, principal_of(**now)));
  };
  return std::optional(std::move(caller));
}

// Browsers say where a request comes from; what is no browser says nothing.
Result<> Gate::check_origin(const net::Request& request) const {
  const std::string_view site = request.header("sec-fetch-site");
  const std::string_view origin = request.header("origin");
  const bool own_site = site.empty() || site == "same-origin";
  const bool own_origin = origin.empty() || origin == options_.origin ||
                          (!host_of(origin).empty() && host_of(origin) == to_lower(request.header("host")));
  if (own_site && own_origin) return {};
  return Error{Errc::permission_denied, "this request comes from a page of another site"};
}

}  // namespace vodlift::rest
