// The section [store] of the configuration file.
#pragma once

#include <filesystem>
#include <string>

#include "app/config.h"
#include "app/config_reader.h"

namespace vodlift::app {

// Relative paths start from `directory`. Faults are reported to the section, and show no part of the URL. The answer is
// of use only where there is none.
Config::Store read_store(ConfigSection& section, const std::filesystem::path& directory);

// A file whose URL has a password must not be readable by everybody. Errors: config_invalid.
Result<> check_password_is_closed(const Config::Store& store, const std::filesystem::path& file);

// Which database it is, for messages: a path, or a URL without password and options.
std::string shown_database(const Config::Store& store);

}  // namespace vodlift::app
