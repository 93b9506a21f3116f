// The section [traces] of the configuration file, and the collector that it names.
#pragma once

#include <filesystem>

#include "app/config.h"
#include "app/config_reader.h"
#include "telemetry/otlp_exporter.h"

namespace vodlift::app {

// Relative paths start from `directory`. Faults are reported to the section; what is faulty stays as it was.
Config::Traces read_traces(ConfigSection& section, const std::filesystem::path& directory);

// Reads the file of headers, if one is named. Errors: it cannot be read, or has a line that is no header.
Result<telemetry::Collector> collector_of(const Config::Traces& traces);

}  // namespace vodlift::app
