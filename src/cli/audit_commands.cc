// `vodlift audit`: who changed what.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <memory>
#include <optional>
#include <string>

#include "cli/pages.h"
#include "cli/session.h"
#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

struct ListOptions {
  std::optional<std::int64_t> cdn;
  std::string command;
  std::string who;
  std::optional<std::int64_t> upload;
  std::string since;
  std::string until;
  int limit = 25;
  std::string cursor;
};

// "anna (ci)", "key 3", or "-": a command line has no name.
std::string who_of(const value& entry) {
  std::string who = text_at(entry, "who");
  const std::string token = text_at(entry, "token");
  if (who.empty() && integer_at(entry, "key") != 0) return fmt::format("key {}", integer_at(entry, "key"));
  if (token.empty()) return who;
  return fmt::format("{} ({})", who, token);
}

// "upload 17, bucket videos, path sestore4/jb/film.mp4".
std::string about(const value& entry) {
  std::string text;
  const auto add = [&text](std::string_view name, std::string_view what) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, what);
  };
  if (const std::int64_t upload = integer_at(entry, "upload"); upload != 0) add("upload", std::to_string(upload));
  const value* what = entry.as_object().if_contains("what");
  if (what == nullptr || !what->is_object()) return text;
  for (const auto& [name, member] : what->get_object()) {
    add(name, member.is_string() ? std::string(member.get_string()) : boost::json::serialize(member));
  }
  return text;
}

std::string result_of(const value& entry) {
  if (cell(entry, "damaged") == "yes") return "this line cannot be read";
  std::string result = text_at(entry, "result");
  if (result == "begun") return result;  // its end is another line
  return result == "success" ? "ok" : cell(entry, "error");
}

std::string show_list(const boost::json::array& entries) {
  Table table({"TIME", "WHO", "DOOR", "FROM", "CDN", "COMMAND", "RESULT", "ABOUT"});
  for (const value& one : entries) {
    const std::string who = who_of(one);
    const std::string what = about(one);
    table.add({time_cell(one, "time"), who.empty() ? "-" : who, cell(one, "door"), cell(one, "address"),
               cell(one, "cdn"), cell(one, "command"), result_of(one), what.empty() ? "-" : what});
  }
  return table.text("no lines");
}

Result<object> fields_of(const ListOptions& options) {
  object fields;
  if (options.cdn) fields["cdn"] = *options.cdn;
  if (!options.command.empty()) fields["command"] = options.command;
  if (!options.who.empty()) fields["who"] = options.who;
  if (options.upload) fields["upload"] = *options.upload;
  for (const auto& [name, time] : {std::pair("since", options.since), std::pair("until", options.until)}) {
    if (time.empty()) continue;
    const auto moment = parse_past(fmt::format("--{}", name), time);
    if (!moment) return moment.error();
    fields[name] = *moment;
  }
  if (!options.cursor.empty()) fields["cursor"] = options.cursor;
  return fields;
}

int run_list(Session& session, const ListOptions& options) {
  auto fields = fields_of(options);
  if (!fields) return session.fail(fields.error());
  const auto page = read_pages(session, {"GET", "/audit", std::move(*fields)}, options.limit);
  if (!page) return session.fail(page.error());
  print(session.json() ? boost::json::serialize(*page) + "\n"
                       : show_list(page->at("items").as_array()) + rest_of(*page));
  return kDone;
}

void add_list(CLI::App& noun, Session& session) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* list = noun.add_subcommand("list", "List changes, newest first: who made which, and how it ended");
  list->add_option("--cdn", options->cdn, "Only changes that concern this account");
  list->add_option("--command", options->command, "Only this command (key.revoke), or all that begin so (key.)");
  list->add_option("--who", options->who, "Only changes by this person, or with this person's tokens")
      ->type_name("NAME");
  list->add_option("--upload", options->upload, "Only changes of this upload");
  list->add_option("--since", options->since,
                   "Only changes made since then: 2h, 30m, 7d, or a day such as 2027-01-31 (UTC)")
      ->type_name("TIME");
  list->add_option("--until", options->until, "Only changes made before then")->type_name("TIME");
  list->add_option("--limit", options->limit, "At most this many")
      ->check(CLI::Range(1, kMostListed))
      ->capture_default_str();
  list->add_option("--cursor", options->cursor, "Go on where an earlier list ended");
  session.attach(*list, [&session, options] { return run_list(session, *options); });
}

void add_check(CLI::App& noun, Session& session, const Services& services) {
  auto config = std::make_shared<std::string>();
  auto kept = std::make_shared<std::string>();
  CLI::App* check = noun.add_subcommand("check", "Say whether the audit log is as it was written");
  check->add_option("--config", *config, "The configuration file")->type_name("FILE")->required();
  check->add_option("--kept", *kept, "A value that an earlier check printed: it must still be there")
      ->type_name("VALUE");
  check->callback([&session, &services, config, kept] { session.set_exit_code(services.check_audit(*config, *kept)); });
}

}  // namespace

void add_audit_commands(CLI::App& app, Session& session, const Services& services) {
  CLI::App* noun = app.add_subcommand("audit", "The audit log: who changed what")->require_subcommand(1);
  add_list(*noun, session);
  add_check(*noun, session, services);
}

}  // namespace vodlift::cli
