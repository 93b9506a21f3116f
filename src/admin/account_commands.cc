#include <array>
#include <boost/json/array.hpp>
#include <limits>

#include "admin/command.h"
#include "admin/rules.h"
#include "base/log.h"

namespace vodlift::admin {
namespace {

using boost::json::object;
using boost::json::value;

object account_json(const Account& account) {
  return {{"cdn", account.cdn},
          {"user", account.user},
          {"created", to_unix_seconds(account.created)},
          {"weight", account.weight}};
}

Result<value> add(const Context& context, Fields& fields) {
  Account account;
  account.cdn = read_cdn(fields);
  account.user = fields.text("user");
  account.weight = static_cast<int>(fields.integer_if_given("weight", 1, kMaxWeight).value_or(kDefaultWeight));
  if (auto checked = fields.check(); !checked) return checked.error();
  if (auto checked = check_user(account.user); !checked) return checked.error();
  account.webhook_secret = make_webhook_secret();
  account.created = context.clock.now();

  if (auto added = context.accounts.add_account(account); !added) return added.error();
  log::info("account added", {{"cdn", account.cdn}, {"user", account.user}});
  object answer = account_json(account);
  answer["webhook_secret"] = account.webhook_secret.reveal();
  return value(std::move(answer));
}

Result<value> set(const Context& context, Fields& fields) {
  const AccountId cdn = read_cdn(fields);
  const int weight = static_cast<int>(fields.integer("weight", 1, kMaxWeight));
  if (auto checked = fields.check(); !checked) return checked.error();
  if (auto changed = context.accounts.set_weight(cdn, weight); !changed) return changed.error();
  log::info("account changed", {{"cdn", cdn}, {"weight", weight}});
  return value(account_json(*context.accounts.find_account(cdn)));
}

Result<value> list(const Context& context, Fields& fields) {
  if (auto checked = fields.check(); !checked) return checked.error();
  boost::json::array answer;
  for (const Account& account : context.accounts.accounts()) answer.push_back(account_json(account));
  return value(std::move(answer));
}

constexpr std::array kCommands = {
    Command{"account.add", run_at_once<add>, "cdn,user"},
    Command{"account.set", run_at_once<set>, "cdn,weight"},
    Command{"account.list", run_at_once<list>},
};

}  // namespace

std::span<const Command> account_commands() { return kCommands; }

std::int64_t read_cdn(Fields& fields) { return fields.integer("cdn", 1, std::numeric_limits<AccountId>::max()); }

std::optional<std::int64_t> read_cdn_if_given(Fields& fields) {
  return fields.integer_if_given("cdn", 1, std::numeric_limits<AccountId>::max());
}

}  // namespace vodlift::admin
