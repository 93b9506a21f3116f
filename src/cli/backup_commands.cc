// `vodlift backup` and `vodlift restore`.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <system_error>

#include "cli/session.h"
#include "cli/text.h"
#include "core/backup.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

// Copying, and reading the copy twice; a million uploads with their callbacks have about one GiB.
constexpr std::chrono::hours kLongestBackup{4};

struct BackupOptions {
  std::string file;
  bool replace = false;
};

struct RestoreOptions {
  std::string backup;
  std::string config;
  bool replace = false;
  std::int64_t ids_above = 0;
};

// "12 uploads (3 queued, 9 completed)".
std::string uploads_text(const value& manifest) {
  std::int64_t all = 0;
  std::string states;
  for (const auto& [name, count] : manifest.at("uploads").as_object()) {
    const std::int64_t number = count.as_int64();
    all += number;
    if (number > 0) states += fmt::format("{}{} {}", states.empty() ? "" : ", ", number, std::string_view(name));
  }
  return fmt::format("{} upload{}{}", all, all == 1 ? "" : "s", states.empty() ? "" : fmt::format(" ({})", states));
}

std::string state_text(const value& manifest) {
  return fmt::format("{}, {}, as of {}", human_bytes(static_cast<double>(integer_at(manifest, "bytes"))),
                     uploads_text(manifest), time_cell(manifest, "created"));
}

std::string show_backup(const value& made) {
  const value& manifest = made.at("manifest");
  std::string text = fmt::format("{} is made and checked: {}.\nSHA-256 {} ({}).\n", cell(made, "file"),
                                 state_text(manifest), cell(manifest, "sha256"), cell(made, "manifest_file"));
  const std::string key = cell(manifest.at("master_key"), "fingerprint");
  if (key == "-") return text;
  return text + fmt::format(
                    "The master key is not in it, and without that key its secrets are lost: keep a copy of the key's "
                    "file, apart from the backup (fingerprint {}).\n",
                    key);
}

object json_of(const RestoreReport& report) {
  return {{"database", report.database.string()},
          {"aside", report.aside.empty() ? value() : value(report.aside.string())},
          {"next_id", report.next_id},
          {"knows_ids", report.knows_ids},
          {"manifest", to_json(report.manifest)}};
}

std::string show_restore(const RestoreReport& report) {
  std::string text =
      fmt::format("{} is there again: {}.\n", report.database.string(), state_text(value(to_json(report.manifest))));
  if (!report.aside.empty()) text += fmt::format("The database before is {}.\n", report.aside.string());
  text += fmt::format("The next upload gets the id {} or a higher one.\n", report.next_id);
  if (!report.knows_ids) {
    text +=
        "It is not known which ids were given after the backup, as no mark of this database is here. If some may be as "
        "high, restore again with --replace --ids-above N.\n";
  }
  return text + "Start the daemon.\n";
}

void add_backup(CLI::App& app, Session& session) {
  auto options = std::make_shared<BackupOptions>();
  CLI::App* backup = app.add_subcommand("backup", "Back up the database while the daemon runs; the copy is checked");
  backup->add_option("file", options->file, "The file to be made; the daemon's user must be able to write there")
      ->type_name("FILE")
      ->required();
  backup->add_flag("--replace", options->replace, "Replace an earlier backup of that name");
  session.attach(*backup, [&session, options] {
    std::error_code fault;
    const auto file = std::filesystem::absolute(options->file, fault).lexically_normal();
    if (fault) return session.fail({Errc::io_error, fmt::format("{}: {}", options->file, fault.message())});
    object fields{{"file", file.string()}};
    if (options->replace) fields["replace"] = true;
    return session.call_and_show({"POST", "/store/backup", std::move(fields), kLongestBackup}, show_backup);
  });
}

void add_restore(CLI::App& app, Session& session, const Services& services) {
  auto options = std::make_shared<RestoreOptions>();
  CLI::App* restore = app.add_subcommand("restore", "Put a backup in the database's place; no daemon may run");
  restore->add_option("backup", options->backup, "The backup; its manifest lies beside it")
      ->type_name("BACKUP")
      ->required();
  restore->add_option("--config", options->config, "The configuration file")->type_name("FILE")->required();
  restore->add_flag("--replace", options->replace, "Move a database that is there aside");
  restore->add_option("--ids-above", options->ids_above, "The highest id that any upload may have got")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max() / 2));
  session.attach_without_daemon(*restore, [&session, &services, options] {
    const auto report = services.restore({options->backup, options->config, options->replace, options->ids_above});
    if (!report) return session.fail(report.error());
    print(session.json() ? boost::json::serialize(json_of(*report)) + "\n" : show_restore(*report));
    return static_cast<int>(kDone);
  });
}

}  // namespace

void add_backup_commands(CLI::App& app, Session& session, const Services& services) {
  add_backup(app, session);
  add_restore(app, session, services);
}

}  // namespace vodlift::cli
