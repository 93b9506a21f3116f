#include "app/reload.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "app/alert_source.h"
#include "app/traces.h"
#include "base/log.h"

namespace vodlift::app {
namespace {

struct Setting {
  std::string_view name;
  bool (*differs)(const Config& one, const Config& other);
  void (*copy)(Config& to, const Config& from);  // null: it needs a restart
};

// One key of a section, both as members of Config.
template <auto section, auto key>
bool key_differs(const Config& one, const Config& other) {
  return (one.*section).*key != (other.*section).*key;
}

template <auto section, auto key>
void copy_key(Config& to, const Config& from) {
  (to.*section).*key = (from.*section).*key;
}

template <auto section, auto key>
constexpr Setting live(std::string_view name) {
  return {name, key_differs<section, key>, copy_key<section, key>};
}

template <auto section, auto key>
constexpr Setting at_restart(std::string_view name) {
  return {name, key_differs<section, key>, nullptr};
}

// One of the days of [retention], which are ended_days where the file says nothing: then only that has changed.
template <auto key>
constexpr Setting live_days(std::string_view name) {
  return {name,
          [](const Config& one, const Config& other) {
            const bool both_as_ended =
                one.retention.*key == one.retention.ended && other.retention.*key == other.retention.ended;
            return !both_as_ended && one.retention.*key != other.retention.*key;
          },
          copy_key<&Config::retention, key>};
}

constexpr std::array kSettings = {
    at_restart<&Config::server, &Config::Server::listen>("[server] listen"),
    at_restart<&Config::server, &Config::Server::roles>("[server] roles"),
    at_restart<&Config::server, &Config::Server::threads>("[server] threads"),
    at_restart<&Config::server, &Config::Server::admin_socket>("[server] admin_socket"),
    at_restart<&Config::server, &Config::Server::master_key_file>("[server] master_key_file"),
    at_restart<&Config::server, &Config::Server::tls_certificate>("[server] tls_certificate"),
    at_restart<&Config::server, &Config::Server::tls_key>("[server] tls_key"),
    at_restart<&Config::server, &Config::Server::connections>("[server] connections"),
    at_restart<&Config::server, &Config::Server::connections_per_address>("[server] connections_per_address"),
    live<&Config::server, &Config::Server::trusted_proxies>("[server] trusted_proxies"),
    live<&Config::server, &Config::Server::timestamp_window>("[server] timestamp_window_s"),
    at_restart<&Config::store, &Config::Store::path>("[store] path"),
    Setting{"[store] url",
            [](const Config& one, const Config& other) { return one.store.url.reveal() != other.store.url.reveal(); },
            nullptr},
    at_restart<&Config::store, &Config::Store::folder>("[store] folder"),
    at_restart<&Config::store, &Config::Store::node>("[store] node"),
    at_restart<&Config::store, &Config::Store::connections>("[store] connections"),
    at_restart<&Config::store, &Config::Store::accept_unsafe>("[store] accept_unsafe"),
    live<&Config::worker, &Config::Worker::uploads>("[worker] uploads"),
    live<&Config::worker, &Config::Worker::parts_per_upload>("[worker] parts_per_upload"),
    at_restart<&Config::worker, &Config::Worker::transfer_threads>("[worker] transfer_threads"),
    live<&Config::worker, &Config::Worker::turn>("[worker] turn_s"),
    live<&Config::worker, &Config::Worker::source_quiet>("[worker] source_quiet_s"),
    live<&Config::worker, &Config::Worker::source_wait>("[worker] source_wait_s"),
    live<&Config::litter, &Config::Litter::retry>("[litter] retry_s"),
    live<&Config::litter, &Config::Litter::grace>("[litter] grace_s"),
    live<&Config::litter, &Config::Litter::give_up>("[litter] give_up_days"),
    live<&Config::callback, &Config::Callback::allow_networks>("[callback] allow_networks"),
    live<&Config::callback, &Config::Callback::allow_ports>("[callback] allow_ports"),
    live<&Config::callback, &Config::Callback::disable_after>("[callback] disable_after_days"),
    live<&Config::callback, &Config::Callback::per_receiver_per_s>("[callback] per_receiver_per_s"),
    at_restart<&Config::audit, &Config::Audit::path>("[audit] path"),
    at_restart<&Config::audit, &Config::Audit::max_mib>("[audit] max_mib"),
    at_restart<&Config::audit, &Config::Audit::keep>("[audit] keep"),
    live<&Config::limits, &Config::Limits::key_requests_per_s>("[limits] key_requests_per_s"),
    live<&Config::limits, &Config::Limits::key_burst>("[limits] key_burst"),
    live<&Config::limits, &Config::Limits::failures_per_s>("[limits] failures_per_s"),
    live<&Config::limits, &Config::Limits::failure_burst>("[limits] failure_burst"),
    live<&Config::limits, &Config::Limits::memory_mib>("[limits] memory_mib"),
    live<&Config::limits, &Config::Limits::open_uploads_per_account>("[limits] open_uploads_per_account"),
    live<&Config::retention, &Config::Retention::ended>("[retention] ended_days"),
    live_days<&Config::Retention::completed>("[retention] completed_days"),
    live_days<&Config::Retention::failed>("[retention] failed_days"),
    live_days<&Config::Retention::cancelled>("[retention] cancelled_days"),
    live<&Config::retention, &Config::Retention::archive>("[retention] archive"),
    at_restart<&Config::panel, &Config::Panel::enabled>("[panel] enabled"),
    at_restart<&Config::panel, &Config::Panel::listen>("[panel] listen"),
    at_restart<&Config::panel, &Config::Panel::url>("[panel] url"),
    at_restart<&Config::metrics, &Config::Metrics::listen>("[metrics] listen"),
    Setting{"[alerts]", [](const Config& one, const Config& other) { return one.alerts != other.alerts; },
            [](Config& to, const Config& from) { to.alerts = from.alerts; }},
    live<&Config::traces, &Config::Traces::url>("[traces] url"),
    live<&Config::traces, &Config::Traces::headers_file>("[traces] headers_file"),
    at_restart<&Config::log, &Config::Log::format>("[log] format"),
    live<&Config::log, &Config::Log::level>("[log] level"),
};

const StorageConfig* find_storage(const Config& config, std::string_view name) {
  const auto found = std::ranges::find(config.storages, name, &StorageConfig::name);
  return found == config.storages.end() ? nullptr : &*found;
}

}  // namespace

ReloadedSettings difference_of(const Config& used, const Config& fresh) {
  ReloadedSettings difference;
  for (const Setting& one : kSettings) {
    if (!one.differs(used, fresh)) continue;
    (one.copy != nullptr ? difference.applied : difference.need_restart).emplace_back(one.name);
  }
  for (const StorageConfig& one : fresh.storages) {
    const StorageConfig* before = find_storage(used, one.name);
    if (before == nullptr || *before != one) difference.applied.push_back(fmt::format("[[storage]] {}", one.name));
  }
  for (const StorageConfig& one : used.storages) {
    if (find_storage(fresh, one.name) == nullptr) difference.applied.push_back(fmt::format("[[storage]] {}", one.name));
  }
  return difference;
}

Result<> Reload::check_removed(const Config& fresh) const {
  for (const StorageConfig& one : used_.storages) {
    if (find_storage(fresh, one.name) != nullptr) continue;
    const auto count = parts_.unfinished(one.name);
    if (!count) return count.error();
    if (*count == 0) continue;
    return Error{
        Errc::wrong_state,
        fmt::format("[[storage]] {0} is not removed, and nothing was changed: {1}{2} of files on it {3} not ended. Put "
                    "it back with drain = true, reload, and remove it when they have ended; or cancel them: vodlift "
                    "upload cancel --storage {0}",
                    one.name, *count,
                    *count < kMostCounted ? (*count == 1 ? " upload" : " uploads") : " uploads or more",
                    *count == 1 ? "has" : "have")};
  }
  return {};
}

Result<ReloadedSettings> Reload::reload() {
  const std::lock_guard lock(mutex_);
  const auto fresh = load_config(used_.file);
  if (!fresh) return fresh.error();
  Config next = used_;
  next.storages = fresh->storages;
  for (const Setting& one : kSettings) {
    if (one.copy != nullptr) one.copy(next, *fresh);
  }
  if (auto unused = check_removed(*fresh); !unused) return unused.error();
  if (auto room = parts_.check(next); !room) return room.error();
  auto alerts = alert_options(next);
  if (!alerts) return alerts.error();
  auto collector = collector_of(next.traces);
  if (!collector) return collector.error();
  if (auto certificates = parts_.use_certificates(); !certificates) return certificates.error();
  ReloadedSettings done = difference_of(used_, *fresh);
  // The last step that can fail.
  if (auto taken = parts_.use(next); !taken) return taken.error();
  parts_.use_alerts(std::move(*alerts));
  parts_.use_traces(std::move(*collector));
  log::configure(next.log.format, next.log.level);
  used_ = std::move(next);
  log::info("the settings were read again", {{"applied", fmt::format("{}", fmt::join(done.applied, ", "))},
                                             {"need_restart", fmt::format("{}", fmt::join(done.need_restart, ", "))}});
  return done;
}

Result<int> unfinished_on(const std::string& storage, Nodes& nodes, const NodeTerm& self, UploadStore& uploads) {
  const auto known = nodes.list();
  if (!known) return known.error();
  const auto takes_them = [&](const NodeInfo& node) {
    return node.self.node != self.node && node.state == NodeState::alive && node.about.roles.worker &&
           std::ranges::find(node.about.storages, storage) != node.about.storages.end();
  };
  if (std::ranges::any_of(*known, takes_them)) return 0;
  UploadSearch search;
  search.filter.states = {UploadState::queued, UploadState::paused, UploadState::uploading};
  search.filter.storage = storage;
  search.limit = 100;
  int count = 0;
  do {
    const auto page = uploads.search(search);
    if (!page) return page.error();
    count += static_cast<int>(page->uploads.size());
    search.before = page->next;
  } while (search.before != 0 && count < Reload::kMostCounted);
  return std::min(count, Reload::kMostCounted);
}

}  // namespace vodlift::app
