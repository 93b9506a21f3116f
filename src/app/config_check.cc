#include "app/config_check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "app/alert_source.h"
#include "app/server.h"
#include "app/traces.h"
#include "base/encoding.h"
#include "base/file.h"
#include "postgres/pg_server_check.h"

namespace vodlift::app {

std::vector<std::string> missing_of(const Config& config) {
  std::vector<std::string> missing;
  for (const StorageConfig& one : config.storages) {
    // The slash makes access() refuse a file that is no folder.
    const std::string root = one.root.string() + "/";
    if (::access(root.c_str(), R_OK | X_OK) == 0) continue;
    missing.push_back(fmt::format("[[storage]] {}: {}: {}; uploads from it would wait", one.name, one.root.string(),
                                  errno_text(errno)));
  }
  for (const auto& [key, path] :
       {std::pair("tls_certificate", config.server.tls_certificate), std::pair("tls_key", config.server.tls_key)}) {
    if (path.empty() || ::access(path.c_str(), R_OK) == 0) continue;
    missing.push_back(
        fmt::format("[server] {}: {}: {}; the daemon would not start", key, path.string(), errno_text(errno)));
  }
  if (!config.store.url.empty() && !config.store.accept_unsafe) {
    const auto encrypted = postgres::check_encryption(config.store.url, false);
    if (!encrypted) missing.push_back(fmt::format("{}; the daemon would not start", encrypted.error().message));
  }
  if (const auto alerts = alert_options(config); !alerts) {
    missing.push_back(fmt::format("{}; the daemon would not start", alerts.error().message));
  }
  if (const auto collector = collector_of(config.traces); !collector) {
    missing.push_back(fmt::format("{}; the daemon would not start", collector.error().message));
  }
  if (!config.alerts.command.empty() && ::access(config.alerts.command.front().c_str(), X_OK) != 0) {
    missing.push_back(fmt::format("[alerts] command: {}: {}; it would not be told",
                                  printable(config.alerts.command.front()), errno_text(errno)));
  }
  return missing;
}

int check_config(const std::filesystem::path& file) {
  const auto config = load_config(file);
  if (!config) return fail(config.error());
  fmt::print("{}: no fault\n", file.string());
  for (const std::string& one : missing_of(*config)) fmt::print("note: {}\n", one);
  return 0;
}

}  // namespace vodlift::app
