#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>

#include "cli/output.h"
#include "cli/session.h"

namespace vodlift::cli {
namespace {

using boost::json::value;

std::string show_added(const value& account) {
  return fmt::format(
      "account {0} added; its files lie in the folder \"{1}\" of each storage\n"
      "webhook secret: {2}\n"
      "Hand it to the customer, who verifies callbacks with it. It is not shown again.\n",
      integer_at(account, "cdn"), text_at(account, "user"), text_at(account, "webhook_secret"));
}

std::string show_list(const value& accounts) {
  Table table({"CDN", "USER", "CREATED"});
  for (const value& account : accounts.as_array()) {
    table.add({cell(account, "cdn"), cell(account, "user"), time_cell(account, "created")});
  }
  return table.text("no accounts; add one with: vodlift account add --cdn NUMBER --user FOLDER");
}

}  // namespace

void add_account_commands(CLI::App& app, Session& session) {
  CLI::App* noun = app.add_subcommand("account", "Accounts (CDNs) and the folder each one owns")->require_subcommand(1);

  struct AddOptions {
    std::int64_t cdn = 0;
    std::string user;
  };
  auto options = std::make_shared<AddOptions>();
  CLI::App* add = noun->add_subcommand("add", "Add an account; prints its webhook secret once");
  add->add_option("--cdn", options->cdn, "The account's number")->required();
  add->add_option("--user", options->user, "The account's folder on each storage")->required();
  session.attach(*add, [&session, options] {
    return session.call_and_show("account.add", {{"cdn", options->cdn}, {"user", options->user}}, show_added);
  });

  CLI::App* list = noun->add_subcommand("list", "List the accounts");
  session.attach(*list, [&session] { return session.call_and_show("account.list", {}, show_list); });
}

}  // namespace vodlift::cli
