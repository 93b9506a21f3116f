#include <array>
#include <boost/json/array.hpp>

#include "base/log.h"
#include "rest/route.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;
using Kind = BandwidthScope::Kind;

object limit_json(const BandwidthLimit& limit) {
  object answer{{"scope", to_text(limit.scope)}};
  if (limit.scope.account != 0) answer["cdn"] = limit.scope.account;
  if (limit.scope.kind == Kind::bucket) answer["bucket"] = limit.scope.name;
  if (limit.scope.kind == Kind::storage) answer["storage"] = limit.scope.name;
  answer["rate"] = to_text(limit.rate);
  boost::json::array windows;
  for (const BandwidthWindow& window : limit.windows) windows.emplace_back(to_text(window));
  answer["timetable"] = std::move(windows);
  answer["time_zone"] = limit.time_zone;
  return answer;
}

// In whole kB: it changes each second.
std::string shown_share(std::int64_t rate) { return rate < 1000 ? "0kB" : to_text(ByteRate(rate / 1000 * 1000)); }

// The scope that the fields cdn, bucket and storage name; none of them: all uploads.
struct ScopeFields {
  std::optional<AccountId> cdn;
  std::optional<std::string> bucket;
  std::optional<std::string> storage;

  explicit ScopeFields(const Fields& fields) : cdn(fields.number_if_given("cdn")) {
    if (fields.has("bucket")) bucket = fields.text("bucket");
    if (fields.has("storage")) storage = fields.text("storage");
  }

  [[nodiscard]] Result<BandwidthScope> scope() const {
    if (storage && !cdn && !bucket) return BandwidthScope{Kind::storage, 0, *storage};
    if (cdn && bucket && !storage) return BandwidthScope{Kind::bucket, *cdn, *bucket};
    if (cdn && !bucket && !storage) return BandwidthScope{Kind::account, *cdn, ""};
    if (!cdn && !bucket && !storage) return BandwidthScope{};
    return Error{Errc::invalid_value,
                 "a limit is for a storage, for an account (cdn), for a bucket (cdn and bucket), or for all uploads"};
  }
};

// A limit for a name that does not exist would look as if it applied.
Result<> check_exists(const Context& context, const BandwidthScope& scope) {
  if (scope.account != 0 && !context.accounts.find_account(scope.account)) {
    return Error{Errc::not_found, to_text(scope) + ": there is no such account"};
  }
  if (scope.kind == Kind::bucket && !context.accounts.find_bucket(scope.account, scope.name)) {
    return Error{Errc::not_found, to_text(scope) + ": there is no such bucket (vodlift bucket list)"};
  }
  return {};
}

Result<value> set(const Context& context, const Fields& fields) {
  auto scope = ScopeFields(fields).scope();
  if (!scope) return scope.error();
  BandwidthLimit limit;
  limit.time_zone = fields.text("time_zone");
  limit.scope = std::move(*scope);
  auto parsed = parse_rate(fields.text("rate"));
  if (!parsed) return parsed.error();
  limit.rate = *parsed;
  for (const std::string& text : fields.texts("timetable")) {
    auto window = parse_window(text);
    if (!window) return window.error();
    limit.windows.push_back(*window);
  }
  if (auto exists = check_exists(context, limit.scope); !exists) return exists.error();
  if (auto done = context.bandwidth.set(limit); !done) return done.error();
  log::info("bandwidth limit set", {{"scope", to_text(limit.scope)}, {"rate", to_text(limit.rate)}});
  return value(limit_json(limit));
}

Result<value> remove(const Context& context, const Fields& fields) {
  const auto scope = ScopeFields(fields).scope();
  if (!scope) return scope.error();
  if (auto removed = context.bandwidth.remove(*scope); !removed) return removed.error();
  log::info("bandwidth limit removed", {{"scope", to_text(*scope)}});
  return value(object{{"scope", to_text(*scope)}});
}

value state_of(const Context& context, const object& names) {
  BandwidthScope scope{Kind::storage, 0, text_in(names, "storage")};
  if (const std::int64_t cdn = number_in(names, "cdn"); cdn != 0) {
    const std::string bucket = text_in(names, "bucket");
    scope = {bucket.empty() ? Kind::account : Kind::bucket, cdn, bucket};
  } else if (scope.name.empty()) {
    scope = {};
  }
  const auto limits = context.bandwidth.list();
  if (!limits) return nullptr;
  for (const BandwidthLimit& limit : *limits) {
    if (to_text(limit.scope) == to_text(scope)) return limit_json(limit);
  }
  return nullptr;
}

Result<value> list_limits(const Context& context, const Fields& /*fields*/) {
  const auto limits = context.bandwidth.list();
  if (!limits) return limits.error();
  boost::json::array answer;
  const auto shares = context.bandwidth.shares();
  for (const BandwidthLimit& limit : *limits) {
    object one = limit_json(limit);
    if (const auto share = shares.find(limit.scope); share != shares.end()) one["share"] = shown_share(share->second);
    answer.push_back(std::move(one));
  }
  return collection(std::move(answer));
}

constexpr FieldSpec kBucket = {.name = "bucket", .high = kMaxTextBytes, .audited = true};
constexpr FieldSpec kStorage = {.name = "storage", .high = kMaxTextBytes, .audited = true};
constexpr std::array kSetFields = {
    kCdnIfGiven,
    kBucket,
    kStorage,
    FieldSpec{.name = "rate", .required = true, .high = kMaxTextBytes, .audited = true},
    FieldSpec{.name = "timetable", .type = FieldType::texts, .high = kMaxWindows, .audited = true},
    FieldSpec{.name = "time_zone", .high = kMaxTextBytes, .otherwise = "UTC", .audited = true},
};
constexpr std::array kRemoveFields = {kCdnIfGiven, kBucket, kStorage};

constexpr std::array kLimitRoutes = {
    Route{.name = "limit.list",
          .act = Act::configure,
          .method = "GET",
          .path = "/limits",
          .run = run_at_once<list_limits>},
    Route{.name = "limit.set",
          .act = Act::configure,
          .method = "PUT",
          .path = "/limits",
          .fields = kSetFields,
          .mutating = true,
          .state_of = state_of,
          .run = run_at_once<set>},
    Route{.name = "limit.remove",
          .act = Act::configure,
          .method = "DELETE",
          .path = "/limits",
          .fields = kRemoveFields,
          .mutating = true,
          .state_of = state_of,
          .run = run_at_once<remove>},
};

}  // namespace

std::span<const Route> limit_routes() { return kLimitRoutes; }

}  // namespace vodlift::rest
