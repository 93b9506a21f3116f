#include <boost/json/array.hpp>
#include <string>

#include "cli/session.h"
#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::value;

std::string words_in(const value& object, std::string_view name) {
  std::string words;
  for (const value& one : object.at(name).as_array()) {
    words += (words.empty() ? "" : ",") + std::string(one.as_string());
  }
  return words.empty() ? "-" : words;
}

std::string show_nodes(const boost::json::array& nodes) {
  Table table({"NODE", "STATE", "ROLES", "STORAGES", "VERSION", "UPLOADS", "CALLBACKS", "STARTED", "LAST SEEN"});
  for (const value& one : nodes) {
    table.add({cell(one, "name"), cell(one, "state"), words_in(one, "roles"), words_in(one, "storages"),
               cell(one, "version"), cell(one, "uploads"), cell(one, "callbacks"), time_cell(one, "started"),
               time_cell(one, "last_seen")});
  }
  return table.text("no nodes");
}

}  // namespace

void add_node_commands(CLI::App& app, Session& session) {
  CLI::App* noun = app.add_subcommand("node", "The servers that share the database")->require_subcommand(1);
  CLI::App* list = noun->add_subcommand("list", "List the nodes: which run, what they do, and what they run now");
  session.attach(*list, [&session] { return session.list_and_show({"GET", "/nodes"}, show_nodes); });
}

}  // namespace vodlift::cli
