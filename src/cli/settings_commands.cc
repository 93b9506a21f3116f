// The configuration file: whether it is right, and taking its changes while the daemon runs.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <memory>
#include <string>

#include "cli/session.h"
#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::value;

std::string lines_of(const boost::json::array& settings, std::string_view title) {
  if (settings.empty()) return {};
  std::string text = fmt::format("{}:\n", title);
  for (const value& one : settings) text += fmt::format("  {}\n", std::string_view(one.as_string()));
  return text;
}

std::string show_reload(const value& done) {
  const std::string text = lines_of(done.at("applied").as_array(), "applied") +
                           lines_of(done.at("need_restart").as_array(), "changed in the file, but needs a restart");
  return text.empty() ? "nothing has changed; certificates were read again\n" : text;
}

}  // namespace

void add_settings_commands(CLI::App& app, Session& session, const Services& services) {
  CLI::App* reload = app.add_subcommand("reload", "Take changes of the configuration file, without a restart");
  session.attach(*reload, [&session] {
    const auto done = session.call({"POST", "/settings/reload"});
    if (!done) return session.fail(done.error());
    print(session.json() ? boost::json::serialize(*done) + "\n" : show_reload(*done));
    return static_cast<int>(kDone);
  });

  CLI::App* noun = app.add_subcommand("config", "The configuration file")->require_subcommand(1);
  CLI::App* check = noun->add_subcommand("check", "Say every fault of a configuration file; needs no daemon");
  auto file = std::make_shared<std::string>();
  check->add_option("file", *file, "The configuration file")->type_name("FILE")->required();
  check->callback([&session, &services, file] { session.set_exit_code(services.check_config(*file)); });
}

}  // namespace vodlift::cli
