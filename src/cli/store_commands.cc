// `vodlift store`: work on the database itself.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/session.h"
#include "cli/text.h"
#include "core/stored_tables.h"

namespace vodlift::cli {
namespace {

constexpr std::chrono::seconds kBetweenLines{2};

struct MigrateOptions {
  std::string from;
  std::string to;
};

boost::json::object json_of(const std::vector<TableSum>& sums) {
  boost::json::array tables;
  for (const TableSum& sum : sums) {
    tables.push_back(boost::json::object{{"table", sum.table}, {"rows", sum.rows}, {"sha256", sum.sha256}});
  }
  return {{"tables", std::move(tables)}};
}

std::string show(const std::vector<TableSum>& sums) {
  Table table({"TABLE", "ROWS", "SHA-256 OF THE ROWS, THE SAME IN BOTH"});
  for (const TableSum& sum : sums) table.add({sum.table, std::to_string(sum.rows), sum.sha256});
  return table.text("") +
         "The copy is complete. Start the daemon with the new configuration, and not with the old one: two queues with "
         "the same uploads would both send them.\n";
}

// Tells on standard error how far it is, now and then.
CopyProgress tell_progress() {
  return [next = std::chrono::steady_clock::now() + kBetweenLines](std::string_view what, std::string_view table,
                                                                   std::int64_t rows) mutable {
    if (std::chrono::steady_clock::now() < next) return;
    next = std::chrono::steady_clock::now() + kBetweenLines;
    fmt::print(stderr, "{} {} rows of {}\n", what, rows, table);
  };
}

}  // namespace

void add_store_commands(CLI::App& app, Session& session, const Services& services) {
  CLI::App* store = app.add_subcommand("store", "Work on the database itself");
  store->require_subcommand(1);
  auto options = std::make_shared<MigrateOptions>();
  CLI::App* migrate =
      store->add_subcommand("migrate", "Copy the database from SQLite to PostgreSQL, or back; no daemon may run");
  migrate->add_option("--from", options->from, "The configuration file with the database to be copied")
      ->type_name("FILE")
      ->required();
  migrate->add_option("--to", options->to, "The configuration file with the new database")
      ->type_name("FILE")
      ->required();
  session.attach_without_daemon(*migrate, [&session, &services, options] {
    const auto sums = services.migrate_store(options->from, options->to, tell_progress());
    if (!sums) return session.fail({sums.error().code, sums.error().for_operator()});
    print(session.json() ? boost::json::serialize(json_of(*sums)) + "\n" : show(*sums));
    return static_cast<int>(kDone);
  });
}

}  // namespace vodlift::cli
