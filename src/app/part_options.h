// What the configuration file says, as the options of each part.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "app/config.h"
#include "legacy/router.h"
#include "rest/gate.h"
#include "storage/confined_storages.h"
#include "worker/dispatcher.h"
#include "worker/multipart_reaper.h"
#include "worker/retention_run.h"

namespace vodlift::app {

std::vector<storage::StorageRoot> roots_of(const std::vector<StorageConfig>& storages);
std::vector<std::string> names_of(const std::vector<StorageConfig>& storages);

worker::Options worker_options(const Config::Worker& worker);
worker::RetentionOptions retention_options(const Config::Retention& retention);
worker::ReaperOptions reaper_options(const Config::Litter& litter);
legacy::Options router_options(const Config& config);
rest::Gate::Options gate_options(const Config& config);

// Threads that move bytes to S3, >= 1.
std::size_t transfer_threads(const Config& config);

// Where it is kept over restarts what the operator was told.
std::filesystem::path alerts_file(const Config::Store& store);

}  // namespace vodlift::app
