// The daemon: the only place where concrete types meet.
#pragma once

#include <filesystem>

#include "app/metrics_page.h"
#include "base/error.h"

namespace vodlift::app {

// Runs the daemon of this configuration file until SIGTERM or SIGINT, then stops within 30 s; a second signal ends it
// at once. Prints "listening on http://ADDRESS:PORT" to standard output when it is ready; everything else goes to
// standard error. Call once, before any other thread exists.
// Returns the exit code: 0 stopped on request, 1 could not start, 2 the configuration is at fault.
int serve(const std::filesystem::path& config, const Build& build);

// Prints why a command failed, and answers its exit code.
int fail(const Error& error);

}  // namespace vodlift::app
