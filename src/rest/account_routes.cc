#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>

#include "base/log.h"
#include "rest/imports.h"
#include "rest/removals.h"
#include "rest/route.h"
#include "rest/rules.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

object account_json(const Account& account, WallTime now) {
  value previous_until = nullptr;
  if (previous_secret(account.previous_webhook_secret, now) != nullptr) {
    previous_until = to_unix_seconds(account.previous_webhook_secret->until);
  }
  return {{"cdn", account.cdn},
          {"user", account.user},
          {"created", to_unix_seconds(account.created)},
          {"weight", account.weight},
          {"uploads_at_once", account.uploads_at_once},
          {"callback_format", kCallbackFormats.word(account.callback_format)},
          {"callback_https_only", account.https_only},
          {"removing", removing_json(account.removing)},
          {"previous_until", std::move(previous_until)}};
}

void apply_rules(const Fields& fields, Account& account) {
  if (const auto weight = fields.number_if_given("weight")) account.weight = static_cast<int>(*weight);
  if (const auto most = fields.number_if_given("uploads_at_once")) account.uploads_at_once = static_cast<int>(*most);
  if (fields.has("callback_format")) {
    account.callback_format = kCallbackFormats.value(fields.text("callback_format")).value();
  }
  if (fields.has("callback_https_only")) account.https_only = fields.flag("callback_https_only");
}

Result<value> add(const Context& context, const Fields& fields) {
  const auto account = new_account(context, fields);
  if (!account) return account.error();
  if (auto added = context.accounts.add_account(*account); !added) return added.error();
  log::info("account added", {{"cdn", account->cdn}, {"user", account->user}});
  object answer = account_json(*account, account->created);
  answer["webhook_secret"] = account->webhook_secret.reveal();
  return value(std::move(answer));
}

Result<value> set(const Context& context, const Fields& fields) {
  const AccountId cdn = fields.number("cdn");
  if (const auto account = existing_account(context, cdn); !account) return account.error();
  if (!fields.has("weight") && !fields.has("uploads_at_once") && !fields.has("callback_format") &&
      !fields.has("callback_https_only")) {
    return Error{Errc::missing_field,
                 "nothing to set: give one or more of weight, uploads_at_once, callback_format, callback_https_only"};
  }
  auto changed = context.accounts.change_account(cdn, [&](Account& account) -> Result<> {
    apply_rules(fields, account);
    return {};
  });
  if (!changed) return changed.error();
  const auto account = context.accounts.find_account(cdn);
  log::info("account changed",
            {{"cdn", cdn}, {"weight", account->weight}, {"uploads_at_once", account->uploads_at_once}});
  return value(account_json(*account, context.clock.now()));
}

Result<value> rotate_webhook_secret(const Context& context, const Fields& fields) {
  const AccountId cdn = fields.number("cdn");
  if (const auto account = existing_account(context, cdn); !account) return account.error();
  const std::chrono::seconds overlap(fields.number("overlap_s"));
  const WallTime now = context.clock.now();
  const Secret fresh = make_webhook_secret();
  auto rotated = context.accounts.change_account(cdn, [&](Account& account) {
    return replace_secret(account.webhook_secret, account.previous_webhook_secret, fresh, now, overlap,
                          kMaxWebhookOverlap);
  });
  if (!rotated) return rotated.error();
  log::info("account has a new webhook secret", {{"cdn", cdn}, {"overlap_s", overlap.count()}});
  object answer = account_json(*context.accounts.find_account(cdn), now);
  answer["webhook_secret"] = fresh.reveal();
  return value(std::move(answer));
}

value state_of(const Context& context, const object& names) {
  const auto account = context.accounts.find_account(number_in(names, "cdn"));
  // As of then, so that a secret before the last one is not left out once its time has come.
  return account ? value(account_json(*account, account->created)) : value(nullptr);
}

Result<value> list_accounts(const Context& context, const Caller& caller, const Fields& /*fields*/) {
  boost::json::array answer;
  const WallTime now = context.clock.now();
  for (const auto& account : context.accounts.accounts()) {
    if (caller.who.cdn.value_or(account->cdn) == account->cdn) answer.push_back(account_json(*account, now));
  }
  return collection(std::move(answer));
}

// Their people and tokens would see whoever gets the number later.
Result<> check_people(const Context& context, AccountId cdn) {
  const auto people = context.people.list();
  if (!people) return people.error();
  const auto bound = std::ranges::count(*people, std::optional(cdn), &Person::cdn);
  if (bound == 0) return {};
  return Error{Errc::wrong_state,
               fmt::format("account {} is not removed: {} sign in for it; remove them first", cdn,
                           bound == 1 ? "1 person may" : fmt::format("{} people may", bound)),
               "see: vodlift people list"};
}

Result<value> remove(const Context& context, const Fields& fields) {
  const AccountId cdn = fields.number("cdn");
  if (const auto account = existing_account(context, cdn); !account) return account.error();
  if (removal_mode(fields) != RemovalMode::keep) {
    if (auto nobody = check_people(context, cdn); !nobody) return nobody.error();
  }
  return carry_out_removal(context, fields, {RemovableKind::account, cdn});
}

Result<value> show(const Context& context, const Fields& fields) {
  const auto account = existing_account(context, fields.number("cdn"));
  if (!account) return account.error();
  return value(account_json(**account, context.clock.now()));
}

constexpr std::array kShowFields = {kCdn};
constexpr FieldSpec kWeight = {
    .name = "weight", .type = FieldType::number, .low = 1, .high = kMaxWeight, .audited = true};
constexpr FieldSpec kUploadsAtOnce = {
    .name = "uploads_at_once", .type = FieldType::number, .low = 0, .high = kMaxUploadsAtOnce, .audited = true};
constexpr FieldSpec kFormat = {
    .name = "callback_format", .type = FieldType::word, .words = kCallbackFormats.all(), .audited = true};
constexpr FieldSpec kHttpsOnly = {.name = "callback_https_only", .type = FieldType::flag, .audited = true};
constexpr std::array kAddFields = {
    kCdn,    FieldSpec{.name = "user", .required = true, .high = kMaxTextBytes, .audited = true},
    kWeight, kUploadsAtOnce,
    kFormat, kHttpsOnly,
};
constexpr std::array kSetFields = {kCdn, kWeight, kUploadsAtOnce, kFormat, kHttpsOnly};
constexpr std::array kRotateFields = {
    kCdn,
    FieldSpec{.name = "overlap_s",
              .type = FieldType::number,
              .low = 0,
              .high = kMaxWebhookOverlap.count(),
              .otherwise = "86400",
              .audited = true},
};

constexpr std::array kRemoveFields = {kCdn, kRemovalMode};

constexpr std::array kAccountRoutes = {
    Route{.name = "account.list",
          .act = Act::read,
          .shared = true,
          .method = "GET",
          .path = "/accounts",
          .run = run_at_once<list_accounts>},
    Route{.name = "account.add",
          .act = Act::manage_accounts,
          .method = "POST",
          .path = "/accounts",
          .fields = kAddFields,
          .mutating = true,
          .created = "/accounts/{cdn}",
          .state_of = state_of,
          .run = run_at_once<add>},
    Route{.name = "account.show",
          .act = Act::read,
          .method = "GET",
          .path = "/accounts/{cdn}",
          .fields = kShowFields,
          .run = run_at_once<show>},
    Route{.name = "account.set",
          .act = Act::manage_accounts,
          .method = "PATCH",
          .path = "/accounts/{cdn}",
          .fields = kSetFields,
          .mutating = true,
          .state_of = state_of,
          .run = run_at_once<set>},
    Route{.name = "account.remove",
          .act = Act::manage_accounts,
          .method = "DELETE",
          .path = "/accounts/{cdn}",
          .fields = kRemoveFields,
          .mutating = true,
          .state_of = state_of,
          .run = run_at_once<remove>},
    Route{.name = "account.rotate",
          .act = Act::change_keys,
          .method = "POST",
          .path = "/accounts/{cdn}/webhook-secret",
          .fields = kRotateFields,
          .mutating = true,
          .state_of = state_of,
          .run = run_at_once<rotate_webhook_secret>},
};

}  // namespace

std::span<const FieldSpec> account_fields() { return kAddFields; }

Result<Account> new_account(const Context& context, const Fields& fields) {
  Account account;
  account.cdn = fields.number("cdn");
  account.user = fields.text("user");
  apply_rules(fields, account);
  if (auto checked = check_user(account.user); !checked) return checked.error();
  account.webhook_secret = make_webhook_secret();
  account.created = context.clock.now();
  return account;
}

std::vector<std::string> differing(const Account& one, const Account& other) {
  return differing_members(account_json(one, one.created), account_json(other, one.created),
                           {"created", "removing", "previous_until"});
}

std::span<const Route> account_routes() { return kAccountRoutes; }

}  // namespace vodlift::rest
