// People who may sign in to the Control Panel, and tokens of programs.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/encoding.h"
#include "cli/session.h"
#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

std::string account_cell(const value& one) {
  const std::string cdn = cell(one, "cdn");
  return cdn == "-" ? "all" : cdn;
}

std::string show_people(const boost::json::array& people) {
  Table table({"NAME", "ROLE", "ACCOUNT", "CREATED", "LAST SEEN"});
  for (const value& one : people) {
    const bool invited = one.at("invited").as_bool();
    table.add({cell(one, "name"), cell(one, "role"), account_cell(one), time_cell(one, "created"),
               invited ? "invited" : time_cell(one, "last_seen")});
  }
  return table.text("no people; invite one with: vodlift people invite NAME --role admin");
}

std::string show_person(const value& person) { return show_people(boost::json::array{person}); }

std::string show_removed_person(const value& person) {
  return fmt::format("{} is removed, with all sessions and tokens.\n", text_at(person, "name"));
}

// An address that the server has found out by itself, and not [panel] url.
bool is_of_this_host(std::string_view url) {
  return url.find("://127.") != std::string_view::npos || url.find("://[::1]") != std::string_view::npos;
}

std::string show_link(const value& person) {
  const std::string name = text_at(person, "name");
  const std::string panel = text_at(person, "panel_url");
  const std::string about =
      fmt::format("{} can choose a password within 72 h, once, at this page of the Control Panel:\n{}setup?for={}#{}\n",
                  name, panel.empty() ? "/panel/" : panel, uri_encode(name), text_at(person, "setup_token"));
  if (panel.empty()) {
    return about + fmt::format(
                       "Put the panel's address in front, and give the link to {}. It is not shown again.\n"
                       "With [panel] url in the configuration file, the whole link is printed.\n",
                       name);
  }
  return about + fmt::format("Give the link to {}. It is not shown again.\n{}", name,
                             is_of_this_host(panel)
                                 ? "Only this machine reaches that address. If there is another one, "
                                   "put it in front, and set [panel] url.\n"
                                 : "");
}

std::string show_tokens(const boost::json::array& tokens) {
  Table table({"ID", "OWNER", "LABEL", "ROLE", "ACCOUNT", "EXPIRES", "LAST USED"});
  for (const value& one : tokens) {
    table.add({cell(one, "id"), cell(one, "owner"), cell(one, "label"), cell(one, "role"), account_cell(one),
               time_cell(one, "expires"), time_cell(one, "last_used")});
  }
  return table.text("no tokens; make one with: vodlift token create --owner NAME --label TEXT");
}

std::string show_token(const value& token) {
  return fmt::format("{}\nIt is not shown again. Programs send it as: Authorization: Bearer TOKEN\n",
                     text_at(token, "token"));
}

const auto kRoles = CLI::IsMember({"admin", "operator", "customer", "viewer"});

struct PersonOptions {
  std::string name;
  std::string role;
  std::optional<std::int64_t> cdn;
};

void add_role_command(CLI::App& noun, Session& session, const char* verb, const char* about, bool invites) {
  auto options = std::make_shared<PersonOptions>();
  CLI::App* command = noun.add_subcommand(verb, about);
  command->add_option("name", options->name, "The name to sign in with: a-z 0-9 . _ @ + -")->required();
  command
      ->add_option("--role", options->role,
                   "Admin: everything; operator: all but accounts, keys and people; "
                   "customer: what the account owns; viewer: sees, and changes nothing")
      ->required()
      ->check(kRoles);
  command->add_option("--cdn", options->cdn, "The account of a customer, or the only one that a viewer sees");
  session.attach(*command, [&session, options, invites] {
    object fields{{"role", options->role}};
    if (options->cdn) fields["cdn"] = *options->cdn;
    if (!invites) {
      return session.call_and_show({"PATCH", "/people/" + uri_encode(options->name), fields}, show_person);
    }
    fields["name"] = options->name;
    return session.call_and_show({"POST", "/people", fields}, show_link, {"setup_token"});
  });
}

using Show = std::string (*)(const value& person);

void add_person_command(CLI::App& noun, Session& session, const char* verb, const char* about, const char* method,
                        const char* path, Show show) {
  auto name = std::make_shared<std::string>();
  CLI::App* command = noun.add_subcommand(verb, about);
  command->add_option("name", *name, "The person")->required();
  session.attach(*command, [&session, name, method, path, show] {
    const Call call{method, fmt::format(fmt::runtime(path), uri_encode(*name))};
    return show == show_link ? session.call_and_show(call, show, {"setup_token"}) : session.call_and_show(call, show);
  });
}

struct TokenOptions {
  std::string owner;
  std::string label;
  std::string role;
  std::optional<std::int64_t> cdn;
  std::string expires = "never";
};

int create_token(Session& session, const TokenOptions& options) {
  object fields{{"owner", options.owner}, {"label", options.label}};
  if (!options.role.empty()) fields["role"] = options.role;
  if (options.cdn) fields["cdn"] = *options.cdn;
  if (options.expires != "never") {
    const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    const auto expires = parse_moment(options.expires, now);
    if (!expires) {
      return session.fail({Errc::invalid_value,
                           "--expires: expected a day such as 2027-01-31, a duration such as 30d, "
                           "or never"});
    }
    fields["expires"] = *expires;
  }
  return session.call_and_show({"POST", "/tokens", fields}, show_token, {"token"});
}

}  // namespace

void add_people_commands(CLI::App& app, Session& session) {
  CLI::App* noun = app.add_subcommand("people", "People who may sign in to the Control Panel")->require_subcommand(1);
  CLI::App* list = noun->add_subcommand("list", "List people");
  session.attach(*list, [&session] { return session.list_and_show({"GET", "/people"}, show_people); });
  add_role_command(*noun, session, "invite", "Invite a person; prints a link that works once", true);
  add_role_command(*noun, session, "role", "Give a person another role; ends the person's sessions", false);
  add_person_command(*noun, session, "reset", "Make a new link for a person who forgot the password", "POST",
                     "/people/{}/reset", show_link);
  add_person_command(*noun, session, "remove", "Remove a person, with sessions and tokens", "DELETE", "/people/{}",
                     show_removed_person);
}

void add_token_commands(CLI::App& app, Session& session) {
  CLI::App* noun =
      app.add_subcommand("token", "Bearer tokens, with which programs use the REST API")->require_subcommand(1);
  CLI::App* list = noun->add_subcommand("list", "List tokens; their secrets are not shown");
  session.attach(*list, [&session] { return session.list_and_show({"GET", "/tokens"}, show_tokens); });

  auto options = std::make_shared<TokenOptions>();
  CLI::App* create = noun->add_subcommand("create", "Make a token; prints it once");
  create->add_option("--owner", options->owner, "The person whose token it is; it does no more than that person may")
      ->required();
  create->add_option("--label", options->label, "What it is for")->required();
  create->add_option("--role", options->role, "Its role; otherwise the owner's")->check(kRoles);
  create->add_option("--cdn", options->cdn, "The account that it is bound to, with the roles customer and viewer");
  create->add_option("--expires", options->expires, "A day such as 2027-01-31, a duration such as 30d, or never")
      ->capture_default_str();
  session.attach(*create, [&session, options] { return create_token(session, *options); });

  auto id = std::make_shared<std::int64_t>();
  CLI::App* remove = noun->add_subcommand("remove", "Remove a token; it is of no use at once");
  remove->add_option("id", *id, "The token; \"token list\" shows the ids")->required();
  session.attach(*remove, [&session, id] {
    return session.call_and_show({"DELETE", fmt::format("/tokens/{}", *id)}, [](const value& token) {
      return fmt::format("Token {} ({}) is removed, and is of no use from now on.\n", cell(token, "id"),
                         cell(token, "label"));
    });
  });
}

}  // namespace vodlift::cli
