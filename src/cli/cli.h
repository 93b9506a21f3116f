// The command line: its commands, and what they print.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "core/backup.h"
#include "core/stored_tables.h"

namespace vodlift::cli {

// The exit code of the process (docs/reference.md).
enum ExitCode : int {
  kDone = 0,
  kFailed = 1,  // the command failed
  kUsage = 2,   // wrong arguments, an invalid configuration, or no daemon
};

// What the command line needs from the rest of the program.
struct Services {
  // Runs the daemon until it has to stop; answers the exit code.
  std::function<int(const std::filesystem::path& config)> serve;
  // Make the database that this configuration file names, or go on without what its damaged log has lost, while no
  // daemon runs; answer the exit code.
  std::function<int(const std::filesystem::path& config)> init;
  std::function<int(const std::filesystem::path& config)> accept_loss;
  // Puts a backup in the database's place, while no daemon runs.
  std::function<Result<RestoreReport>(const RestoreRequest& request)> restore;
  // Copies the database of one configuration file into that of another one, while no daemon runs.
  std::function<Result<std::vector<TableSum>>(const std::filesystem::path& from, const std::filesystem::path& to,
                                              const CopyProgress& progress)>
      migrate_store;
  // Says whether the audit log is as it was written, and still has the line with this value of its chain (empty: any);
  // answers the exit code.
  std::function<int(const std::filesystem::path& config, const std::string& kept)> check_audit;
  // Prints every fault of a configuration file; answers the exit code.
  std::function<int(const std::filesystem::path& file)> check_config;
  // What the bucket doctor finds of a bucket with these settings, without a daemon, as the REST API answers
  // `bucket.check`. Errors: missing_field, invalid_value.
  std::function<Result<boost::json::value>(const boost::json::object& settings)> try_bucket;
  // Where the daemon of this configuration file listens for commands. Errors: those of reading the file.
  std::function<Result<std::filesystem::path>(const std::filesystem::path& config)> admin_socket_of;
  // Finds the database file that a configuration file names. Errors: those of reading the configuration file,
  // wrong_state (the database is in PostgreSQL; the message says where).
  std::function<Result<std::filesystem::path>(const std::filesystem::path& config)> database_of;
};

// Parses the arguments, carries the command out and answers the exit code. Called by the name vodlift-s3check, the
// program is `vodlift bucket try`. Call once, from the main thread.
int run(int argc, const char* const* argv, const Services& services);

}  // namespace vodlift::cli
