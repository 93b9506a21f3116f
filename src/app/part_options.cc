#include "app/part_options.h"

#include <algorithm>
#include <thread>

namespace vodlift::app {

std::vector<storage::StorageRoot> roots_of(const std::vector<StorageConfig>& storages) {
  std::vector<storage::StorageRoot> roots;
  roots.reserve(storages.size());
  for (const StorageConfig& one : storages)
    roots.push_back({one.name, one.root.string(), one.cross_mounts, one.deny_hardlinks, one.drain});
  return roots;
}

std::vector<std::string> names_of(const std::vector<StorageConfig>& storages) {
  std::vector<std::string> names;
  names.reserve(storages.size());
  for (const StorageConfig& one : storages) names.push_back(one.name);
  return names;
}

worker::Options worker_options(const Config::Worker& worker) {
  worker::Options options;
  options.uploads = worker.uploads;
  options.parts_per_upload = worker.parts_per_upload;
  options.turn = worker.turn;
  options.readiness = {worker.source_quiet, worker.source_wait};
  return options;
}

worker::RetentionOptions retention_options(const Config::Retention& retention) {
  worker::RetentionOptions options;
  options.completed = retention.completed;
  options.failed = retention.failed;
  options.cancelled = retention.cancelled;
  options.archive = retention.archive;
  return options;
}

worker::ReaperOptions reaper_options(const Config::Litter& litter) {
  return {litter.retry, litter.grace, litter.give_up};
}

legacy::Options router_options(const Config& config) {
  return {config.server.timestamp_window,
          {config.limits.key_requests_per_s, config.limits.key_burst},
          {config.limits.failures_per_s, config.limits.failure_burst}};
}

rest::Gate::Options gate_options(const Config& config) {
  rest::Gate::Options options;
  options.secure = !config.server.tls_certificate.empty() || config.panel.url.starts_with("https:");
  options.origin = config.panel.url;
  return options;
}

std::size_t transfer_threads(const Config& config) {
  constexpr unsigned kMostByDefault = 8;
  if (!config.server.roles.worker) return 1;
  if (config.worker.transfer_threads > 0) return static_cast<std::size_t>(config.worker.transfer_threads);
  return std::clamp(std::thread::hardware_concurrency(), 1U, kMostByDefault);
}

std::filesystem::path alerts_file(const Config::Store& store) {
  if (store.path.empty()) return store.folder / "vodlift.alerts";
  return store.path.string() + ".alerts";
}

}  // namespace vodlift::app
