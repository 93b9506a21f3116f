#include <array>
#include <boost/json/array.hpp>

#include "base/log.h"
#include "rest/route.h"
#include "rest/rules.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

object account_json(const Account& account) {
  return {{"cdn", account.cdn},
          {"user", account.user},
          {"created", to_unix_seconds(account.created)},
          {"weight", account.weight}};
}

Result<value> add(const Context& context, const Fields& fields) {
  Account account;
  account.cdn = fields.number("cdn");
  account.user = fields.text("user");
  account.weight = static_cast<int>(fields.number_if_given("weight").value_or(kDefaultWeight));
  if (auto checked = check_user(account.user); !checked) return checked.error();
  account.webhook_secret = make_webhook_secret();
  account.created = context.clock.now();

  if (auto added = context.accounts.add_account(account); !added) return added.error();
  log::info("account added", {{"cdn", account.cdn}, {"user", account.user}});
  object answer = account_json(account);
  answer["webhook_secret"] = account.webhook_secret.reveal();
  return value(std::move(answer));
}

Result<value> set(const Context& context, const Fields& fields) {
  const AccountId cdn = fields.number("cdn");
  const int weight = static_cast<int>(fields.number("weight"));
  if (const auto account = existing_account(context, cdn); !account) return account.error();
  if (auto changed = context.accounts.set_weight(cdn, weight); !changed) return changed.error();
  log::info("account changed", {{"cdn", cdn}, {"weight", weight}});
  return value(account_json(*context.accounts.find_account(cdn)));
}

Result<value> list(const Context& context, const Caller& caller, const Fields& /*fields*/) {
  boost::json::array answer;
  for (const auto& account : context.accounts.accounts()) {
    if (caller.who.cdn.value_or(account->cdn) == account->cdn) answer.push_back(account_json(*account));
  }
  return collection(std::move(answer));
}

Result<value> show(const Context& context, const Fields& fields) {
  const auto account = existing_account(context, fields.number("cdn"));
  if (!account) return account.error();
  return value(account_json(**account));
}

constexpr std::array kShowFields = {kCdn};
constexpr std::array kAddFields = {
    kCdn,
    FieldSpec{.name = "user", .required = true, .high = kMaxTextBytes, .audited = true},
    FieldSpec{.name = "weight", .type = FieldType::number, .low = 1, .high = kMaxWeight},
};
constexpr std::array kSetFields = {
    kCdn,
    FieldSpec{
        .name = "weight", .type = FieldType::number, .required = true, .low = 1, .high = kMaxWeight, .audited = true},
};

constexpr std::array kRoutes = {
    Route{.name = "account.list",
          .act = Act::read,
          .shared = true,
          .method = "GET",
          .path = "/accounts",
          .run = run_at_once<list>},
    Route{.name = "account.add",
          .act = Act::manage_accounts,
          .method = "POST",
          .path = "/accounts",
          .fields = kAddFields,
          .mutating = true,
          .created = "/accounts/{cdn}",
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
          .run = run_at_once<set>},
};

}  // namespace

std::span<const Route> account_routes() { return kRoutes; }

}  // namespace vodlift::rest
