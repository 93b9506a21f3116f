#include "cli/cli.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/near_miss.h"
#include "cli/build.h"
#include "cli/examples.h"
#include "cli/manual.h"
#include "cli/session.h"
#include "cli/top.h"

namespace vodlift::cli {
namespace {

constexpr std::size_t kColumns = 80;

constexpr const char* kDescription =
    "vodlift uploads video files from local storages to customers' S3 buckets.\n"
    "\"vodlift serve\" is the daemon. Every other command talks to it through its\n"
    "socket: --socket PATH, or else [server] admin_socket of --config FILE, or else\n"
    "the variable VODLIFT_SOCKET, or else /run/vodlift/admin.sock.";

constexpr const char* kExitCodes =
    "Exit codes: 0 done; 1 the command failed; 2 wrong usage, an invalid\n"
    "configuration, or no daemon.";

// `text` in lines of at most `width` characters, broken at spaces.
std::string wrapped(std::string_view text, std::size_t width) {
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (used > 0 && used + 1 + word.size() > width) {
      out += '\n';
      used = 0;
    } else if (used > 0) {
      out += ' ';
      ++used;
    }
    out += word;
    used += word.size();
  }
  return out;
}

// Help that fits a terminal.
class Help final : public CLI::Formatter {
 public:
  std::string make_option_desc(const CLI::Option* option) const override {
    return wrapped(option->get_description(), kColumns - get_column_width());
  }
  std::string make_subcommand(const CLI::App* command) const override {
    std::stringstream out;
    CLI::detail::format_help(out, command->get_display_name(true),
                             wrapped(command->get_description(), kColumns - get_column_width()), get_column_width());
    return out.str();
  }
};

// The command that was parsed last: the one that an error is about.
const CLI::App& innermost(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : innermost(*chosen.front());
}

std::vector<std::string> verbs_of(const CLI::App& command) {
  std::vector<std::string> verbs;
  for (const CLI::App* verb : command.get_subcommands([](const CLI::App*) { return true; })) {
    if (!verb->get_name().empty()) verbs.push_back(verb->get_name());
  }
  return verbs;
}

// "vodlift bucket", as a person types it.
std::string words_of(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr ? command.get_name() : words_of(*parent) + " " + command.get_name();
}

// The verb that a misspelt word was meant to be, as a question; empty: no verb is like it.
std::string suggestion(const std::vector<std::string>& words, const std::vector<std::string>& verbs) {
  for (const std::string& word : words) {
    for (const std::string& verb : verbs) {
      if (is_near_miss(word, verb)) return fmt::format("; did you mean {}?", verb);
    }
  }
  return {};
}

std::string no_command(const CLI::App& command, std::string_view word, std::string_view suggested,
                       const std::vector<std::string>& verbs) {
  return fmt::format("there is no command \"{} {}\"{}; the commands are {}", words_of(command), word, suggested,
                     fmt::join(verbs, ", "));
}

// What is wrong with the command line, and where to read on.
std::string usage_message(const CLI::App* app, const CLI::Error& error) {
  const CLI::App& command = innermost(*app);
  const std::vector<std::string> verbs = verbs_of(command);
  std::vector<std::string> unknown = app->remaining(true);
  if (unknown.size() > 1) std::erase(unknown, "--json");  // right in itself, but there is no command that takes it
  std::string message = error.what();
  const auto is = [&error](CLI::ExitCodes code) { return error.get_exit_code() == static_cast<int>(code); };
  const bool lacks_command = is(CLI::ExitCodes::RequiredError) && message == CLI::RequiredError::Subcommand(1).what();
  if (lacks_command && unknown.empty()) {
    message = fmt::format("{} needs a command: {}", words_of(command), fmt::join(verbs, ", "));
  } else if (lacks_command && !unknown.front().starts_with('-')) {
    message = no_command(command, unknown.front(), suggestion(unknown, verbs), verbs);
  } else if (lacks_command || (is(CLI::ExitCodes::ExtrasError) && !unknown.empty())) {
    // `upload cancle 3` takes the misspelt verb for a path.
    const CLI::Option* path = command.get_option_no_throw("path");
    const std::string verb = path == nullptr || path->empty() ? "" : path->results().front();
    const std::string meant = suggestion({unknown.front(), verb}, verbs);
    message = fmt::format("unexpected argument \"{}\"{}", unknown.front(), meant);
    if (!verb.empty() && verb.find('/') == std::string::npos && meant.empty())
      message = no_command(command, verb, "", verbs);
  }
  // CLI11's own words for a value that is no number: "Could not convert: id = 3x".
  constexpr std::string_view kNoNumber = "Could not convert: ";
  if (is(CLI::ExitCodes::ConversionError) && message.starts_with(kNoNumber)) {
    const std::size_t equals = message.find(" = ");
    const std::string value = equals == std::string::npos ? "" : message.substr(equals + 3);
    message = fmt::format("{}: expected a whole number, found \"{}\"",
                          message.substr(kNoNumber.size(), equals - kNoNumber.size()), value);
  }
  return message;
}

std::string usage_error(const CLI::App* app, const CLI::Error& error) {
  return fmt::format("vodlift: {}\nSee: {} --help\n", usage_message(app, error), words_of(innermost(*app)));
}

using ConfigCommand = std::function<int(const std::filesystem::path& config)>;

// A command that works on what the configuration names, not through a daemon. `run` must outlive the app.
void add_config_command(CLI::App& app, Session& session, const char* name, const char* about,
                        const ConfigCommand& run) {
  auto config = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(name, about);
  command->add_option("--config", *config, "The configuration file")->type_name("FILE")->required();
  command->callback([&session, &run, config] { session.set_exit_code(run(*config)); });
}

// "vodlift 0.2.0 (commit 1a2b3c4d5e6f, g++ 12.2.0)".
std::string version_text() {
  const std::string commit = build_commit().empty() ? std::string() : fmt::format("commit {}, ", build_commit());
  return fmt::format("vodlift {} ({}{})", build_version(), commit, build_compiler());
}

void add_version(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  CLI::App* version = app.add_subcommand("version", "Print the version");
  version->add_flag("--json", *json, "Print JSON instead of text");
  version->callback([json] {
    const boost::json::object answer = {
        {"version", build_version()}, {"commit", build_commit()}, {"compiler", build_compiler()}};
    print(*json ? boost::json::serialize(answer) + "\n" : version_text() + "\n");
  });
}

}  // namespace

void add_all_commands(CLI::App& app, Session& session, const Services& services) {
  app.name("vodlift");
  app.description(kDescription);
  app.formatter(std::make_shared<Help>());
  app.failure_message(usage_error);
  app.footer(kExitCodes);
  app.require_subcommand(1);
  app.set_version_flag("--version", version_text(), "Print the version");
  add_config_command(app, session, "serve", "Run the daemon until SIGTERM or SIGINT", services.serve);
  add_account_commands(app, session);
  add_key_commands(app, session);
  add_bucket_commands(app, session, services);
  add_import_command(app, session);
  add_limit_commands(app, session);
  add_upload_commands(app, session);
  add_callback_commands(app, session);
  add_storage_commands(app, session);
  add_node_commands(app, session);
  add_people_commands(app, session);
  add_token_commands(app, session);
  add_audit_commands(app, session, services);
  add_alert_commands(app, session);
  add_settings_commands(app, session, services);
  add_backup_commands(app, session, services);
  add_store_commands(app, session, services);
  add_overview_command(app, session);
  add_top_command(app, session);
  add_doctor_command(app, session);
  add_config_command(app, session, "init", "Make the database; a later start without it is refused then",
                     services.init);
  add_config_command(app, session, "accept-loss", "Go on without uploads that a damaged database log has lost",
                     services.accept_loss);
  add_manual_commands(app);
  add_version(app);
  add_examples(app);
}

int run(int argc, const char* const* argv, const Services& services) {
  Session session(services);
  CLI::App app;
  add_all_commands(app, session, services);
  std::vector<const char*> words(argv, argv + argc);
  if (argc > 0 && std::filesystem::path(argv[0]).filename() == "vodlift-s3check") {
    words.insert(words.begin() + 1, {"bucket", "try"});
  }
  try {
    app.parse(static_cast<int>(words.size()), words.data());
  } catch (const CLI::ParseError& error) {
    const bool json =
        std::any_of(argv, argv + argc, [](const char* word) { return word == std::string_view("--json"); });
    if (error.get_exit_code() == 0 || !json) return app.exit(error) == 0 ? kDone : kUsage;
    return session.fail_usage(usage_message(&app, error));
  }
  return session.exit_code();
}

}  // namespace vodlift::cli
