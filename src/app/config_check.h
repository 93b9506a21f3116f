// What an operator wants to know of a configuration file before the daemon has it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/config.h"

namespace vodlift::app {

// What the file names and is not there now, or cannot be used by this process, each as a sentence: storages, whose
// uploads would wait, and certificates. Looks at the file system.
std::vector<std::string> missing_of(const Config& config);

// Prints every fault of the file, or that it has none, with missing_of(). Changes nothing. Returns the exit code: 0, or
// 2 for a file with faults, also one that cannot be read.
int check_config(const std::filesystem::path& file);

}  // namespace vodlift::app
