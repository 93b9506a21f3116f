#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>

#include "cli/session.h"
#include "cli/text.h"
#include "core/fair_share.h"

namespace vodlift::cli {
namespace {

using boost::json::value;

std::string show_added(const value& account) {
  return fmt::format(
      "account {0} added; its files are in the folder \"{1}\" of each storage\n"
      "webhook secret: {2}\n"
      "Give it to the customer, who verifies callbacks with it. It is not shown again.\n",
      integer_at(account, "cdn"), text_at(account, "user"), text_at(account, "webhook_secret"));
}

std::string show_list(const boost::json::array& accounts) {
  Table table({"CDN", "USER", "WEIGHT", "CREATED"});
  for (const value& account : accounts) {
    table.add({cell(account, "cdn"), cell(account, "user"), cell(account, "weight"), time_cell(account, "created")});
  }
  return table.text("no accounts; add one with: vodlift account add --cdn NUMBER --user FOLDER");
}

}  // namespace

void add_account_commands(CLI::App& app, Session& session) {
  CLI::App* noun = app.add_subcommand("account", "Accounts (CDNs) and their folders")->require_subcommand(1);

  const std::string weight_help =
      fmt::format("1 to {}: its share while other accounts have uploads waiting too", kMaxWeight);
  struct AddOptions {
    std::int64_t cdn = 0;
    std::string user;
    std::optional<int> weight;
  };
  auto options = std::make_shared<AddOptions>();
  CLI::App* add = noun->add_subcommand("add", "Add an account; prints its webhook secret once");
  add->add_option("--cdn", options->cdn, "The account's number")->required();
  add->add_option("--user", options->user, "The account's folder on each storage")->required();
  add->add_option("--weight", options->weight, weight_help)->check(CLI::Range(1, kMaxWeight));
  session.attach(*add, [&session, options] {
    boost::json::object fields{{"cdn", options->cdn}, {"user", options->user}};
    if (options->weight) fields["weight"] = *options->weight;
    return session.call_and_show({"POST", "/accounts", fields}, show_added);
  });

  struct SetOptions {
    std::int64_t cdn = 0;
    int weight = 1;
  };
  auto change = std::make_shared<SetOptions>();
  CLI::App* set = noun->add_subcommand("set", "Change an account; takes effect at once");
  set->add_option("--cdn", change->cdn, "The account's number")->required();
  set->add_option("--weight", change->weight, weight_help)->required()->check(CLI::Range(1, kMaxWeight));
  session.attach(*set, [&session, change] {
    return session.call_and_show({"PATCH", fmt::format("/accounts/{}", change->cdn), {{"weight", change->weight}}},
                                 [](const value& account) { return show_list(boost::json::array{account}); });
  });

  CLI::App* list = noun->add_subcommand("list", "List the accounts");
  session.attach(*list, [&session] { return session.list_and_show({"GET", "/accounts"}, show_list); });
}

}  // namespace vodlift::cli
