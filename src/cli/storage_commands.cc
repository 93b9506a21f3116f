#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>
#include <string>

#include "cli/session.h"
#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

std::string show_list(const boost::json::array& storages) {
  Table table({"STORAGE", "AVAILABLE", "FREE"});
  for (const value& one : storages) {
    const bool available = cell(one, "available") == "yes";
    table.add({cell(one, "storage"), cell(one, "available"),
               available ? human_bytes(static_cast<double>(integer_at(one, "bytes_free"))) : "-"});
  }
  return table.text("no storages; the configuration file names them");
}

std::string show_files(const value& answer) {
  Table table({"FILE", "SIZE", "MODIFIED", "TYPE"});
  for (const value& one : answer.at("items").as_array()) {
    table.add({cell(one, "path"), human_bytes(static_cast<double>(integer_at(one, "size"))), time_cell(one, "modified"),
               cell(one, "type")});
  }
  std::string text = table.text("no files");
  const std::int64_t total = integer_at(answer, "total");
  if (total > std::ssize(answer.at("items").as_array())) {
    text += fmt::format("{} files match; see the next ones with --offset\n", total);
  }
  if (cell(answer, "complete") == "no") text += "The folder is too large for a whole list; name a folder below it.\n";
  return text;
}

}  // namespace

void add_storage_commands(CLI::App& app, Session& session) {
  CLI::App* noun = app.add_subcommand("storage", "Storages, and the files on them")->require_subcommand(1);
  CLI::App* list = noun->add_subcommand("list", "List the storages");
  session.attach(*list, [&session] { return session.list_and_show({"GET", "/storages"}, show_list); });

  struct FilesOptions {
    std::string path;
    std::string filter;
    bool all_types = false;
    int offset = 0;
  };
  auto options = std::make_shared<FilesOptions>();
  CLI::App* files = noun->add_subcommand("files", "List the files in a folder and in those below it");
  files->add_option("path", options->path, "The folder: storage/user, or a folder below it")->required();
  files->add_option("--filter", options->filter, "Only files whose name matches, such as \"*.mp4\"");
  files->add_flag("--all-types", options->all_types, "Also files that are no videos by their extension");
  files->add_option("--offset", options->offset, "Leave out so many")->check(CLI::Range(0, 10'000'000));
  session.attach(*files, [&session, options] {
    object fields{{"path", options->path}};
    if (!options->filter.empty()) fields["filter"] = options->filter;
    if (options->all_types) fields["type"] = "all";
    if (options->offset > 0) fields["offset"] = options->offset;
    return session.call_and_show({"GET", "/files", fields}, show_files);
  });
}

}  // namespace vodlift::cli
