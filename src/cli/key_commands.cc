#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/encoding.h"
#include "cli/removal_commands.h"
#include "cli/session.h"
#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

// The options that say what a key may do, from where, and until when.
struct RuleOptions {
  std::string permissions;
  std::string path_prefix;
  std::vector<std::string> buckets;
  std::vector<std::string> networks;
  std::string expires;
  bool all_paths = false;
  bool all_buckets = false;
  bool all_networks = false;

  void attach(CLI::App& command) {
    // A script whose variable is empty must not make a key that may do everything.
    const CLI::Validator not_empty([](const std::string& text) { return std::string(text.empty() ? "is empty" : ""); },
                                   "");
    command.add_option("--permissions", permissions, "What the key may do: one or more of upload,status,files,manage")
        ->check(not_empty);
    command.add_option("--path-prefix", path_prefix, "Only source files below this folder, such as sestore4/jb/films")
        ->check(not_empty);
    command.add_option("--bucket", buckets, "Only this bucket; may be repeated");
    command.add_option("--network", networks, "Only from this network, such as 192.0.2.0/24; may be repeated");
    command
        .add_option(
            "--expires", expires,
            "When the key expires: a day such as 2027-01-31 (UTC), a time from now such as 30d or 12h, or never")
        ->check(not_empty);
  }
  // For a key that has limits already.
  void attach_removals(CLI::App& command) {
    command.add_flag("--all-paths", all_paths, "Allow every source file of the account")->excludes("--path-prefix");
    command.add_flag("--all-buckets", all_buckets, "Allow every bucket of the account")->excludes("--bucket");
    command.add_flag("--all-networks", all_networks, "Allow every network")->excludes("--network");
  }
};

boost::json::array list_of(const std::vector<std::string>& texts) {
  boost::json::array list;
  for (const std::string& text : texts) list.emplace_back(text);
  return list;
}

Result<> add_rules(const RuleOptions& options, object& fields) {
  if (!options.permissions.empty()) fields["permissions"] = options.permissions;
  if (!options.path_prefix.empty() || options.all_paths) fields["path_prefix"] = options.path_prefix;
  if (!options.buckets.empty() || options.all_buckets) fields["buckets"] = list_of(options.buckets);
  if (!options.networks.empty() || options.all_networks) fields["networks"] = list_of(options.networks);
  if (options.expires.empty()) return {};
  std::optional<std::int64_t> moment = 0;
  if (options.expires != "never") moment = parse_moment(options.expires, to_unix_seconds(SystemClock().now()));
  if (!moment) {
    return Error{
        Errc::invalid_value,
        fmt::format("--expires: expected a day such as 2027-01-31, a time from now such as 30d, 12h or 90m, or never; "
                    "found \"{}\"",
                    printable(options.expires, 64))};
  }
  fields["expires"] = *moment;
  return {};
}

struct AddOptions {
  std::int64_t cdn = 0;
  std::string api_key;
  std::string secret_file;
  RuleOptions rules;
};

struct RotateOptions {
  std::string api_key;
  std::string overlap = "24h";
};

std::string path_of(std::string_view api_key) { return "/keys/" + uri_encode(api_key); }

std::string show_imported(const value& key) {
  return fmt::format("API key {} is imported with its secret\n", text_at(key, "api_key"));
}

std::string show_added(const value& pair) {
  return fmt::format("API key: {}\nsecret:  {}\nKeep the secret now. It is not shown again.\n",
                     text_at(pair, "api_key"), text_at(pair, "secret"));
}

std::string show_rotated(const value& key) {
  const std::int64_t until = integer_at(key, "previous_until");
  return show_added(key) + (until == 0 ? std::string("The old secret is refused from now on.\n")
                                       : fmt::format("The old secret is valid until {}.\n", human_time(until)));
}

std::string joined(const value& key, std::string_view name) {
  std::string out;
  for (const value& text : key.at(name).as_array()) {
    if (!out.empty()) out += ' ';
    out += std::string_view(text.as_string());
  }
  return out;
}

// "revoked", "removing", "expired", "rotating" or "active": the first that is true.
std::string state_of(const value& key, std::int64_t now) {
  if (integer_at(key, "revoked") != 0) return "revoked";
  if (integer_at(key, "removing") != 0) return "removing";
  const std::int64_t expires = integer_at(key, "expires");
  if (expires != 0 && expires <= now) return "expired";
  return integer_at(key, "previous_until") != 0 ? "rotating" : "active";
}

// The limits of the key as text; "-" when it has none.
std::string limits_of(const value& key) {
  std::string out;
  const auto add = [&out](std::string_view name, const std::string& text) {
    if (!text.empty()) out += fmt::format("{}{} {}", out.empty() ? "" : "; ", name, text);
  };
  add("path", text_at(key, "path_prefix"));
  add("buckets", joined(key, "buckets"));
  add("from", joined(key, "networks"));
  return out.empty() ? "-" : out;
}

std::string show_list(const boost::json::array& keys) {
  const std::int64_t now = to_unix_seconds(SystemClock().now());
  Table table({"API KEY", "CDN", "STATE", "CREATED", "LAST USED", "EXPIRES", "MAY", "LIMITS"});
  for (const value& key : keys) {
    table.add({cell(key, "api_key"), cell(key, "cdn"), state_of(key, now), time_cell(key, "created"),
               time_cell(key, "last_used"), time_cell(key, "expires"), cell(key, "permissions"), limits_of(key)});
  }
  return table.text("no API keys; add one with: vodlift key add --cdn NUMBER");
}

int run_add(Session& session, const AddOptions& options) {
  object fields = {{"cdn", options.cdn}};
  const bool imported = !options.api_key.empty();
  if (imported) {
    const auto secret = read_secret(options.secret_file);
    if (!secret) return session.fail(secret.error());
    fields["api_key"] = options.api_key;
    fields["secret"] = secret->reveal();
  }
  if (auto added = add_rules(options.rules, fields); !added) return session.fail(added.error());
  return session.call_and_show({"POST", "/keys", fields}, imported ? show_imported : show_added, {"api_key", "secret"});
}

int run_set(Session& session, const std::string& api_key, const RuleOptions& rules) {
  object fields;
  if (auto added = add_rules(rules, fields); !added) return session.fail(added.error());
  return session.call_and_show({"PATCH", path_of(api_key), fields},
                               [](const value& key) { return show_list(boost::json::array{key}); });
}

int run_rotate(Session& session, const RotateOptions& options) {
  const auto overlap = parse_overlap(options.overlap);
  if (!overlap) return session.fail(overlap.error());
  return session.call_and_show({"POST", path_of(options.api_key) + "/rotate", {{"overlap_s", overlap->count()}}},
                               show_rotated, {"secret"});
}

void add_add(CLI::App& noun, Session& session) {
  auto options = std::make_shared<AddOptions>();
  CLI::App* add =
      noun.add_subcommand("add", "Make an API key and print its secret once, or import an existing key and secret");
  add->add_option("--cdn", options->cdn, "The account's number")->required();
  auto* api_key = add->add_option("--api-key", options->api_key, "Import this existing API key");
  auto* secret = add->add_option("--secret-file", options->secret_file,
                                 "Import: the file that holds its secret; - is standard input")
                     ->type_name("FILE");
  api_key->needs(secret);
  secret->needs(api_key);
  options->rules.attach(*add);
  session.attach(*add, [&session, options] { return run_add(session, *options); });
}

void add_set(CLI::App& noun, Session& session) {
  auto api_key = std::make_shared<std::string>();
  auto rules = std::make_shared<RuleOptions>();
  CLI::App* set = noun.add_subcommand("set", "Change what a key may do; other settings stay");
  set->add_option("--api-key", *api_key, "The API key")->required();
  rules->attach(*set);
  rules->attach_removals(*set);
  session.attach(*set, [&session, api_key, rules] { return run_set(session, *api_key, *rules); });
}

void add_rotate(CLI::App& noun, Session& session) {
  auto options = std::make_shared<RotateOptions>();
  CLI::App* rotate = noun.add_subcommand("rotate", "Give a key a new secret; prints it once");
  rotate->add_option("--api-key", options->api_key, "The API key")->required();
  rotate->add_option("--overlap", options->overlap, "How long the old secret stays valid; 0: it ends at once")
      ->capture_default_str();
  session.attach(*rotate, [&session, options] { return run_rotate(session, *options); });
}

}  // namespace

void add_key_commands(CLI::App& app, Session& session) {
  CLI::App* noun = app.add_subcommand("key", "API keys that clients sign requests with")->require_subcommand(1);

  add_add(*noun, session);
  add_set(*noun, session);
  add_rotate(*noun, session);

  auto cdn = std::make_shared<std::optional<std::int64_t>>();
  CLI::App* list = noun->add_subcommand("list", "List API keys, without secrets");
  list->add_option("--cdn", *cdn, "Only those of this account");
  session.attach(*list, [&session, cdn] {
    object fields;
    if (*cdn) fields["cdn"] = **cdn;
    return session.list_and_show({"GET", "/keys", fields}, show_list);
  });

  auto revoked = std::make_shared<std::string>();
  CLI::App* revoke = noun->add_subcommand("revoke", "Refuse all further requests signed with a key");
  revoke->add_option("--api-key", *revoked, "The API key")->required();
  session.attach(*revoke, [&session, revoked] {
    return session.call_and_show({"POST", path_of(*revoked) + "/revoke"}, [](const value& key) {
      return fmt::format("API key {} is revoked\n", text_at(key, "api_key"));
    });
  });

  add_remove_command(*noun, session, "Remove a key for good", [](CLI::App& command) {
    auto one = std::make_shared<Removable>();
    one->kind = RemovableKind::key;
    command.add_option("--api-key", one->name, "The API key")->required();
    return one;
  });
}

}  // namespace vodlift::cli
