#include "cli/cli.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <memory>
#include <string>

#include "cli/session.h"

namespace vodlift::cli {
namespace {

constexpr const char* kDescription =
    "vodlift uploads video files from local storages to customers' S3 buckets.\n"
    "\"vodlift serve\" is the daemon; every other command talks to it through its socket, found by\n"
    "--socket PATH, else --config FILE ([server] admin_socket), else the variable VODLIFT_SOCKET,\n"
    "else /run/vodlift/admin.sock.";

constexpr const char* kExitCodes =
    "Exit codes: 0 done; 1 what was asked for failed; 2 wrong usage, a faulty configuration, or no daemon.";

void add_serve(CLI::App& app, Session& session, const Services& services) {
  auto config = std::make_shared<std::string>();
  CLI::App* serve = app.add_subcommand("serve", "Run the daemon until SIGTERM or SIGINT");
  serve->add_option("--config", *config, "The configuration file")->type_name("FILE")->required();
  serve->callback([&session, &services, config] { session.set_exit_code(services.serve(*config)); });
}

void add_version(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  CLI::App* version = app.add_subcommand("version", "Print the version");
  version->add_flag("--json", *json, "Print JSON instead of text");
  version->callback([json] {
    const boost::json::object told = {{"version", VODLIFT_VERSION}};
    print(*json ? boost::json::serialize(told) + "\n" : fmt::format("vodlift {}\n", VODLIFT_VERSION));
  });
}

}  // namespace

int run(int argc, const char* const* argv, const Services& services) {
  Session session(services);
  CLI::App app(kDescription, "vodlift");
  app.footer(kExitCodes);
  app.require_subcommand(1);
  app.set_version_flag("--version", fmt::format("vodlift {}", VODLIFT_VERSION), "Print the version");
  add_serve(app, session, services);
  add_account_commands(app, session);
  add_key_commands(app, session);
  add_bucket_commands(app, session);
  add_limit_commands(app, session);
  add_upload_commands(app, session);
  add_version(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  return session.exit_code();
}

}  // namespace vodlift::cli
