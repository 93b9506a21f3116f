#include "app/reload.h"

#include <fmt/ranges.h>

#include <array>
#include <string_view>

#include "base/log.h"

namespace vodlift::app {
namespace {

// One key of a section, both as members of Config.
template <auto section, auto key>
bool key_differs(const Config& one, const Config& other) {
  return (one.*section).*key != (other.*section).*key;
}

struct Setting {
  std::string_view name;
  bool (*differs)(const Config& one, const Config& other);
};

constexpr std::array kNeedRestart = {
    Setting{"[server] listen", key_differs<&Config::server, &Config::Server::listen>},
    Setting{"[server] threads", key_differs<&Config::server, &Config::Server::threads>},
    Setting{"[server] admin_socket", key_differs<&Config::server, &Config::Server::admin_socket>},
    Setting{"[server] master_key_file", key_differs<&Config::server, &Config::Server::master_key_file>},
    Setting{"[server] tls_certificate", key_differs<&Config::server, &Config::Server::tls_certificate>},
    Setting{"[server] tls_key", key_differs<&Config::server, &Config::Server::tls_key>},
    Setting{"[server] connections", key_differs<&Config::server, &Config::Server::connections>},
    Setting{"[server] connections_per_address", key_differs<&Config::server, &Config::Server::connections_per_address>},
    Setting{"[server] trusted_proxies", key_differs<&Config::server, &Config::Server::trusted_proxies>},
    Setting{"[server] timestamp_window_s", key_differs<&Config::server, &Config::Server::timestamp_window>},
    Setting{"[store] path", key_differs<&Config::store, &Config::Store::path>},
    Setting{"[worker] uploads", key_differs<&Config::worker, &Config::Worker::uploads>},
    Setting{"[worker] parts_per_upload", key_differs<&Config::worker, &Config::Worker::parts_per_upload>},
    Setting{"[worker] transfer_threads", key_differs<&Config::worker, &Config::Worker::transfer_threads>},
    Setting{"[worker] turn_s", key_differs<&Config::worker, &Config::Worker::turn>},
    Setting{"[worker] source_quiet_s", key_differs<&Config::worker, &Config::Worker::source_quiet>},
    Setting{"[worker] source_wait_s", key_differs<&Config::worker, &Config::Worker::source_wait>},
    Setting{"[litter] retry_s", key_differs<&Config::litter, &Config::Litter::retry>},
    Setting{"[litter] grace_s", key_differs<&Config::litter, &Config::Litter::grace>},
    Setting{"[litter] give_up_days", key_differs<&Config::litter, &Config::Litter::give_up>},
    Setting{"[callback] allow_networks", key_differs<&Config::callback, &Config::Callback::allow_networks>},
    Setting{"[callback] allow_ports", key_differs<&Config::callback, &Config::Callback::allow_ports>},
    Setting{"[audit] path", key_differs<&Config::audit, &Config::Audit::path>},
    Setting{"[audit] max_mib", key_differs<&Config::audit, &Config::Audit::max_mib>},
    Setting{"[audit] keep", key_differs<&Config::audit, &Config::Audit::keep>},
    Setting{"[limits] key_requests_per_s", key_differs<&Config::limits, &Config::Limits::key_requests_per_s>},
    Setting{"[limits] key_burst", key_differs<&Config::limits, &Config::Limits::key_burst>},
    Setting{"[limits] failures_per_s", key_differs<&Config::limits, &Config::Limits::failures_per_s>},
    Setting{"[limits] failure_burst", key_differs<&Config::limits, &Config::Limits::failure_burst>},
    Setting{"[limits] memory_mib", key_differs<&Config::limits, &Config::Limits::memory_mib>},
    Setting{"[limits] open_uploads_per_account",
            key_differs<&Config::limits, &Config::Limits::open_uploads_per_account>},
    Setting{"[retention] completed_days", key_differs<&Config::retention, &Config::Retention::completed>},
    Setting{"[retention] failed_days", key_differs<&Config::retention, &Config::Retention::failed>},
    Setting{"[retention] cancelled_days", key_differs<&Config::retention, &Config::Retention::cancelled>},
    Setting{"[retention] archive", key_differs<&Config::retention, &Config::Retention::archive>},
    Setting{"[panel] enabled", key_differs<&Config::panel, &Config::Panel::enabled>},
    Setting{"[panel] listen", key_differs<&Config::panel, &Config::Panel::listen>},
    Setting{"[panel] url", key_differs<&Config::panel, &Config::Panel::url>},
    Setting{"[metrics] listen", key_differs<&Config::metrics, &Config::Metrics::listen>},
    Setting{"[log] format", key_differs<&Config::log, &Config::Log::format>},
};

const StorageConfig* find_storage(const Config& config, std::string_view name) {
  const auto found = std::ranges::find(config.storages, name, &StorageConfig::name);
  return found == config.storages.end() ? nullptr : &*found;
}

}  // namespace

ReloadedSettings difference_of(const Config& used, const Config& fresh) {
  ReloadedSettings difference;
  for (const Setting& one : kNeedRestart) {
    if (one.differs(used, fresh)) difference.need_restart.emplace_back(one.name);
  }
  for (const StorageConfig& one : fresh.storages) {
    const StorageConfig* before = find_storage(used, one.name);
    if (before == nullptr || *before != one) difference.applied.push_back(fmt::format("[[storage]] {}", one.name));
  }
  for (const StorageConfig& one : used.storages) {
    if (find_storage(fresh, one.name) == nullptr) difference.applied.push_back(fmt::format("[[storage]] {}", one.name));
  }
  if (used.log.level != fresh.log.level) difference.applied.emplace_back("[log] level");
  return difference;
}

Result<ReloadedSettings> Reload::reload() {
  const std::lock_guard lock(mutex_);
  const auto fresh = load_config(used_.file);
  if (!fresh) return fresh.error();
  // First, as nothing else can fail.
  if (auto certificates = parts_.use_certificates(); !certificates) return certificates.error();
  ReloadedSettings done = difference_of(used_, *fresh);
  parts_.use_storages(*fresh);
  log::configure(used_.log.format, fresh->log.level);
  used_.storages = fresh->storages;
  used_.log.level = fresh->log.level;
  log::info("the settings were read again", {{"applied", fmt::format("{}", fmt::join(done.applied, ", "))},
                                             {"need_restart", fmt::format("{}", fmt::join(done.need_restart, ", "))}});
  return done;
}

}  // namespace vodlift::app
