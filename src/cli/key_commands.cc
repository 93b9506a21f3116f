#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>
#include <optional>

#include "cli/output.h"
#include "cli/session.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

struct AddOptions {
  std::int64_t cdn = 0;
  std::string api_key;
  std::string secret_file;
};

std::string show_added(const value& pair) {
  return fmt::format("API key: {}\nsecret:  {}\nKeep the secret now. It is not shown again.\n",
                     text_at(pair, "api_key"), text_at(pair, "secret"));
}

std::string show_list(const value& keys) {
  Table table({"API KEY", "CDN", "CREATED", "REVOKED"});
  for (const value& key : keys.as_array()) {
    table.add({cell(key, "api_key"), cell(key, "cdn"), time_cell(key, "created"), time_cell(key, "revoked")});
  }
  return table.text("no API keys; add one with: vodlift key add --cdn NUMBER");
}

int run_add(Session& session, const AddOptions& options) {
  object fields = {{"cdn", options.cdn}};
  if (!options.api_key.empty()) {
    const auto secret = read_secret(options.secret_file);
    if (!secret) return session.fail(secret.error());
    fields["api_key"] = options.api_key;
    fields["secret"] = secret->reveal();
  }
  return session.call_and_show("key.add", fields, show_added);
}

}  // namespace

void add_key_commands(CLI::App& app, Session& session) {
  CLI::App* noun = app.add_subcommand("key", "API keys, with which clients sign their requests")->require_subcommand(1);

  auto options = std::make_shared<AddOptions>();
  CLI::App* add = noun->add_subcommand("add", "Make an API key, or import a pair that clients have; prints it once");
  add->add_option("--cdn", options->cdn, "The account's number")->required();
  auto* api_key = add->add_option("--api-key", options->api_key, "Import: the existing API key");
  auto* secret =
      add->add_option("--secret-file", options->secret_file, "Import: a file with its secret; - is standard input")
          ->type_name("FILE");
  api_key->needs(secret);
  secret->needs(api_key);
  session.attach(*add, [&session, options] { return run_add(session, *options); });

  auto cdn = std::make_shared<std::optional<std::int64_t>>();
  CLI::App* list = noun->add_subcommand("list", "List API keys; never shows secrets");
  list->add_option("--cdn", *cdn, "Only this account's");
  session.attach(*list, [&session, cdn] {
    object fields;
    if (*cdn) fields["cdn"] = **cdn;
    return session.call_and_show("key.list", fields, show_list);
  });

  auto revoked = std::make_shared<std::string>();
  CLI::App* revoke = noun->add_subcommand("revoke", "Refuse every further request signed with a key");
  revoke->add_option("--api-key", *revoked, "The API key")->required();
  session.attach(*revoke, [&session, revoked] {
    return session.call_and_show("key.revoke", {{"api_key", *revoked}}, [](const value& key) {
      return fmt::format("API key {} is revoked\n", text_at(key, "api_key"));
    });
  });
}

}  // namespace vodlift::cli
