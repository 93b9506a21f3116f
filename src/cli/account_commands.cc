#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>

#include "cli/removal_commands.h"
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

std::string show_rotated(const value& account) {
  const std::int64_t until = integer_at(account, "previous_until");
  return fmt::format("webhook secret: {}\nGive it to the customer now. It is not shown again.\n{}\n",
                     text_at(account, "webhook_secret"),
                     until == 0
                         ? std::string("The old secret signs no more callbacks.")
                         : fmt::format("Callbacks are signed with the old one too until {}.", human_time(until)));
}

// "json, https only".
std::string callbacks_of(const value& account) {
  std::string out = text_at(account, "callback_format");
  if (cell(account, "callback_https_only") == "yes") out += ", https only";
  if (integer_at(account, "previous_until") != 0) out += ", rotating";
  return out;
}

std::string at_once_of(const value& account) {
  const std::int64_t most = integer_at(account, "uploads_at_once");
  return most == 0 ? "" : std::to_string(most);
}

std::string show_list(const boost::json::array& accounts) {
  Table table({"CDN", "USER", "WEIGHT", "AT ONCE", "CREATED", "CALLBACKS", "REMOVING SINCE"});
  for (const value& account : accounts) {
    table.add({cell(account, "cdn"), cell(account, "user"), cell(account, "weight"), at_once_of(account),
               time_cell(account, "created"), callbacks_of(account), time_cell(account, "removing")});
  }
  return table.text("no accounts; add one with: vodlift account add --cdn NUMBER --user FOLDER");
}

// What of an account can be set.
struct RuleOptions {
  std::optional<int> weight;
  std::string uploads_at_once;
  std::string callback_format;
  std::string https_only;

  void attach(CLI::App& command) {
    command
        .add_option("--weight", weight,
                    fmt::format("1 to {}: its share while other accounts have uploads waiting too", kMaxWeight))
        ->check(CLI::Range(1, kMaxWeight));
    command
        .add_option("--uploads-at-once", uploads_at_once,
                    fmt::format("How many of its uploads may run at once, 1 to {}; none: no cap", kMaxUploadsAtOnce))
        ->check(CLI::Range(1, kMaxUploadsAtOnce) | CLI::IsMember({"none"}));
    command.add_option("--callback-format", callback_format, "How callbacks are sent: json, or form (the field json)")
        ->check(CLI::IsMember({"json", "form"}));
    command
        .add_option("--https-only", https_only, "Whether new uploads may have callbacks to https URLs only: yes or no")
        ->check(CLI::IsMember({"yes", "no"}));
  }

  void add_to(boost::json::object& fields) const {
    if (weight) fields["weight"] = *weight;
    if (!uploads_at_once.empty()) {
      fields["uploads_at_once"] = uploads_at_once == "none" ? 0 : std::stoi(uploads_at_once);
    }
    if (!callback_format.empty()) fields["callback_format"] = callback_format;
    if (!https_only.empty()) fields["callback_https_only"] = https_only == "yes";
  }
};

void add_add(CLI::App& noun, Session& session) {
  struct Options {
    std::int64_t cdn = 0;
    std::string user;
    RuleOptions rules;
  };
  auto options = std::make_shared<Options>();
  CLI::App* add = noun.add_subcommand("add", "Add an account; prints its webhook secret once");
  add->add_option("--cdn", options->cdn, "The account's number")->required();
  add->add_option("--user", options->user, "The account's folder on each storage")->required();
  options->rules.attach(*add);
  session.attach(*add, [&session, options] {
    boost::json::object fields{{"cdn", options->cdn}, {"user", options->user}};
    options->rules.add_to(fields);
    return session.call_and_show({"POST", "/accounts", fields}, show_added, {"webhook_secret"});
  });
}

void add_set(CLI::App& noun, Session& session) {
  struct Options {
    std::int64_t cdn = 0;
    RuleOptions rules;
  };
  auto options = std::make_shared<Options>();
  CLI::App* set = noun.add_subcommand("set", "Change an account; takes effect at once");
  set->add_option("--cdn", options->cdn, "The account's number")->required();
  options->rules.attach(*set);
  session.attach(*set, [&session, options] {
    boost::json::object fields;
    options->rules.add_to(fields);
    return session.call_and_show({"PATCH", fmt::format("/accounts/{}", options->cdn), fields},
                                 [](const value& account) { return show_list(boost::json::array{account}); });
  });
}

void add_rotate(CLI::App& noun, Session& session) {
  struct Options {
    std::int64_t cdn = 0;
    std::string overlap = "24h";
  };
  auto options = std::make_shared<Options>();
  CLI::App* rotate = noun.add_subcommand("rotate", "Give an account a new webhook secret; prints it once");
  rotate->add_option("--cdn", options->cdn, "The account's number")->required();
  rotate->add_option("--overlap", options->overlap, "How long the old secret signs callbacks too; 0: it ends at once")
      ->capture_default_str();
  session.attach(*rotate, [&session, options] {
    const auto overlap = parse_overlap(options->overlap);
    if (!overlap) return session.fail(overlap.error());
    return session.call_and_show(
        {"POST", fmt::format("/accounts/{}/webhook-secret", options->cdn), {{"overlap_s", overlap->count()}}},
        show_rotated, {"webhook_secret"});
  });
}

}  // namespace

void add_account_commands(CLI::App& app, Session& session) {
  CLI::App* noun = app.add_subcommand("account", "Accounts (CDNs) and their folders")->require_subcommand(1);
  add_add(*noun, session);
  add_set(*noun, session);
  add_rotate(*noun, session);
  add_remove_command(*noun, session, "Remove an account with its keys and buckets; its uploads stay in the lists",
                     [](CLI::App& command) {
                       auto one = std::make_shared<Removable>();
                       one->kind = RemovableKind::account;
                       command.add_option("--cdn", one->cdn, "The account's number")->required();
                       return one;
                     });
  CLI::App* list = noun->add_subcommand("list", "List the accounts");
  session.attach(*list, [&session] { return session.list_and_show({"GET", "/accounts"}, show_list); });
}

}  // namespace vodlift::cli
