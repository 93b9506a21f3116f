// The command line: what a person types, and what is shown to them.
#pragma once

#include <filesystem>
#include <functional>

#include "base/error.h"

namespace vodlift::cli {

// How the process ends (docs/reference.md).
enum ExitCode : int {
  kDone = 0,
  kFailed = 1,  // what was asked for could not be done
  kUsage = 2,   // wrong arguments, a faulty configuration, or no daemon to talk to
};

// What the command line needs from the rest of the program.
struct Services {
  // Runs the daemon until it is told to stop; answers the exit code.
  std::function<int(const std::filesystem::path& config)> serve;
  // Where the daemon of this configuration file listens for commands. Errors: those of reading the file.
  std::function<Result<std::filesystem::path>(const std::filesystem::path& config)> admin_socket_of;
};

// Parses the arguments, does what they say, answers the exit code. Call once, from the main thread.
int run(int argc, const char* const* argv, const Services& services);

}  // namespace vodlift::cli
