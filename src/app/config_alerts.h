// The section [alerts] of the configuration file.
#pragma once

#include <filesystem>

#include "app/config.h"
#include "app/config_reader.h"

namespace vodlift::app {

// Relative paths start from `directory`. Faults are reported to the section; what is faulty stays as it was.
Config::Alerts read_alerts(ConfigSection& section, const std::filesystem::path& directory);

}  // namespace vodlift::app
