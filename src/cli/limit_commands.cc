#include <algorithm>
#include <boost/json/array.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/session.h"
#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

// The uploads that share the limit.
struct ScopeOptions {
  bool all = false;
  std::optional<std::int64_t> cdn;
  std::string bucket;
  std::string storage;

  void add_to(CLI::App& command) {
    CLI::Option_group* group = command.add_option_group("scope", "The uploads that share the limit");
    group->add_flag("--all", all, "All uploads");
    group->add_option("--storage", storage, "Uploads from a storage");
    CLI::Option* account =
        group->add_option("--cdn", cdn, "Uploads of an account; with --bucket, to one of its buckets");
    group->require_option(1);
    command.add_option("--bucket", bucket, "The bucket's name")->needs(account);
  }

  [[nodiscard]] object fields() const {
    object fields;
    if (cdn) fields["cdn"] = *cdn;
    if (!bucket.empty()) fields["bucket"] = bucket;
    if (!storage.empty()) fields["storage"] = storage;
    return fields;
  }
};

struct SetOptions {
  ScopeOptions scope;
  std::string rate;
  std::vector<std::string> timetable;
  std::string time_zone;
};

std::string show_list(const boost::json::array& limits) {
  const bool nodes_share =
      std::any_of(limits.begin(), limits.end(), [](const value& limit) { return limit.as_object().contains("share"); });
  std::vector<std::string> heads = {"SCOPE", "RATE", "TIMETABLE", "TIME ZONE"};
  if (nodes_share) heads.emplace_back("SHARE OF THIS NODE");
  Table table(std::move(heads));
  for (const value& limit : limits) {
    std::string timetable;
    for (const value& window : limit.at("timetable").as_array()) {
      if (!timetable.empty()) timetable += "; ";
      timetable += std::string_view(window.as_string());
    }
    std::vector<std::string> cells = {cell(limit, "scope"), cell(limit, "rate"), timetable,
                                      timetable.empty() ? std::string() : cell(limit, "time_zone")};
    if (nodes_share) cells.push_back(cell(limit, "share"));
    table.add(std::move(cells));
  }
  return table.text("no limits; set one with: vodlift limit set --all --rate 100MB");
}

std::string show_one(const value& limit) { return show_list(boost::json::array{limit}); }

}  // namespace

void add_limit_commands(CLI::App& app, Session& session) {
  CLI::App* noun =
      app.add_subcommand("limit", "Bandwidth of all uploads, a storage, an account or a bucket")->require_subcommand(1);

  auto options = std::make_shared<SetOptions>();
  CLI::App* set = noun->add_subcommand("set", "Set or replace a limit; takes effect at once");
  options->scope.add_to(*set);
  set->add_option("--rate", options->rate, "Per second: 50MB, 48MiB, 400Mbit, or none")->required();
  set->add_option("--at", options->timetable,
                  "Days, times and their rate, such as \"Mon-Fri 08:00-18:00 10MB\"; may be repeated: the first that "
                  "matches applies")
      ->take_all();
  set->add_option("--zone", options->time_zone, "The time zone of the timetable, such as Europe/Paris; by default UTC");
  session.attach(*set, [&session, options] {
    object fields = options->scope.fields();
    fields["rate"] = options->rate;
    if (!options->timetable.empty()) {
      fields["timetable"] = boost::json::array(options->timetable.begin(), options->timetable.end());
    }
    if (!options->time_zone.empty()) fields["time_zone"] = options->time_zone;
    return session.call_and_show({"PUT", "/limits", fields}, show_one);
  });

  auto whose = std::make_shared<ScopeOptions>();
  CLI::App* remove = noun->add_subcommand("remove", "Remove a limit; takes effect at once");
  whose->add_to(*remove);
  session.attach(*remove, [&session, whose] {
    return session.call_and_show({"DELETE", "/limits", whose->fields()}, [](const value& removed) {
      return "removed the limit of " + text_at(removed, "scope") + "\n";
    });
  });

  CLI::App* list = noun->add_subcommand("list", "List the limits");
  session.attach(*list, [&session] { return session.list_and_show({"GET", "/limits"}, show_list); });
}

}  // namespace vodlift::cli
