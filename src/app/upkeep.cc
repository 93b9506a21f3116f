#include "app/upkeep.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "app/monitoring_door.h"
#include "app/service_manager.h"
#include "base/log.h"

namespace vodlift::app {

void Upkeep::tick() {
  const auto now = std::chrono::steady_clock::now();
  ThreadPool& pool = parts_.pool;
  stop_if_outdated();
  if (now >= beat_due_ && pool.post([this] { beat(); })) beat_due_ = now + kBeatEvery;
  if (now >= status_due_ && pool.post([this] { tell_status(); })) status_due_ = now + kStatusEvery;
  if (parts_.stores.accounts->is_behind()) (void)pool.post([this] { refresh_accounts(); });
  if (now >= removals_due_ && pool.post([this] { parts_.removals.sweep(); })) removals_due_ = now + kRemovalsEvery;
  if (now >= statistics_due_ && pool.post([this] { write_statistics(); })) statistics_due_ = now + kStatisticsEvery;
  if (parts_.stores.bandwidth_shares) renew_shares_soon();
  const bool limits_due = parts_.stores.engine->is_shared() && now >= limits_due_;
  if (limits_due && pool.post([this] { load_limits(); })) limits_due_ = now + kLimitsEvery;
  if (now >= usage_due_ && pool.post([this] { write_usage(); })) usage_due_ = now + kUsageEvery;
}

void Upkeep::stop_if_outdated() {
  const auto why = outdated_ ? std::nullopt : parts_.stores.engine->outdated();
  if (!why) return;
  outdated_ = true;
  log::error("this version cannot use the database any more, so it stops; upgrade this node",
             {{"why", why->for_operator()}});
  ::kill(::getpid(), SIGTERM);
}

void Upkeep::beat() {
  auto beaten = parts_.stores.nodes->beat(parts_.stores.self);
  if (!beaten && beaten.error().code == Errc::lease_lost) {
    log::error("another process uses this node's name, so this one stops; give each node its own: [store] node",
               {{"error", beaten.error().for_operator()}});
    ::kill(::getpid(), SIGTERM);
    return;
  }
  if (!beaten) {
    log::warn("could not record that this node is alive; it is tried again",
              {{"error", beaten.error().for_operator()}});
  }
  // By a clock that was wrong for a moment, too: nobody may have seen that.
  if (auto shortened = shorten_waits(parts_.stores); !shortened) {
    log::warn("waits that are too long cannot be shortened; it is tried again", {{"error", shortened.error().message}});
  }
}

void Upkeep::load_limits() {
  if (auto loaded = parts_.bandwidth.load(); !loaded) {
    log::warn("could not read the bandwidth limits; those before stay", {{"error", loaded.error().for_operator()}});
  }
}

void Upkeep::renew_shares_soon() {
  if (renewing_shares_.exchange(true)) return;
  if (!parts_.pool.post([this] { renew_shares(); })) renewing_shares_ = false;
}

void Upkeep::renew_shares() {
  const std::unique_ptr<std::atomic<bool>, void (*)(std::atomic<bool>*)> done(
      &renewing_shares_, [](std::atomic<bool>* renewing) { *renewing = false; });
  const auto renewed = parts_.bandwidth.renew(*parts_.stores.bandwidth_shares, parts_.stores.self,
                                              parts_.dispatcher.wishes_for_accounts());
  if (renewed) parts_.dispatcher.grant_to_accounts(renewed->shares, renewed->until);
  if (!renewed && shares_renewed_) {
    log::warn("this node's shares of limits cannot be renewed; it is tried again",
              {{"error", renewed.error().for_operator()}});
  }
  shares_renewed_ = renewed.has_value();
}

void Upkeep::refresh_accounts() {
  if (auto loaded = parts_.stores.accounts->refresh(); !loaded) {
    log::warn("could not load accounts that have changed; it is tried again",
              {{"error", loaded.error().for_operator()}});
  }
}

void Upkeep::write_usage() {
  if (auto written = parts_.usage.flush(); !written) {
    log::warn("could not write when API keys were used; it is tried again",
              {{"error", written.error().for_operator()}});
  }
}

void Upkeep::write_statistics() {
  if (auto written = parts_.statistics.flush(); !written) {
    log::warn("could not write statistics; it is tried again", {{"error", written.error().for_operator()}});
  }
}

// A line for `systemctl status`.
void Upkeep::tell_status() {
  const auto counts = parts_.stores.uploads->counts();
  if (!counts) return ServiceManager::status("the database cannot be read: " + counts.error().for_operator());
  std::int64_t running = 0;
  std::int64_t waiting = 0;
  for (const UploadCount& one : *counts) {
    if (one.state == UploadState::uploading) running += one.uploads;
    if (one.state == UploadState::queued) waiting += one.uploads;
  }
  const auto reasons = not_ready_for(parts_.stores.monitor->look(), false);
  ServiceManager::status(fmt::format("{} running, {} waiting{}{}", running, waiting,
                                     reasons.empty() ? "" : "; NOT READY: ", fmt::join(reasons, "; ")));
}

}  // namespace vodlift::app
