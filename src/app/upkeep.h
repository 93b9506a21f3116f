// What the daemon does again and again beside its work, so that the database, the other nodes and the operator know how
// it is.
#pragma once

#include <atomic>
#include <chrono>

#include "app/stores.h"
#include "base/thread_pool.h"
#include "core/bandwidth.h"
#include "core/key_usage.h"
#include "core/removals.h"
#include "core/statistics_collector.h"
#include "worker/dispatcher.h"

namespace vodlift::app {

// Each duty is a job on `pool`; one that finds no place there comes with the next tick. What fails is logged, and tried
// again.
class Upkeep {
 public:
  struct Parts {
    Stores& stores;
    BandwidthControl& bandwidth;
    worker::Dispatcher& dispatcher;
    const Removals& removals;
    KeyUsage& usage;
    StatisticsCollector& statistics;
    ThreadPool& pool;  // to be stopped before this goes
  };

  // Everything given must outlive this.
  explicit Upkeep(Parts parts) : parts_(parts) {}

  // Begins what is due. To be called every second or so, from one thread; does not block. Sends SIGTERM to the process
  // where it must not go on.
  void tick();

  // This node's shares of what nodes have together. One renewal at a time. Any thread; does not block.
  void renew_shares_soon();

  // At the end too, when nothing is counted any more. Any thread; these block for the disk.
  void write_usage();
  void write_statistics();

 private:
  using Instant = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kBeatEvery{60};     // how often the node records that it is alive
  static constexpr std::chrono::seconds kRemovalsEvery{2};  // how often it is looked whether removals can be finished
  static constexpr std::chrono::seconds kUsageEvery{60};    // how often it is written when keys were used
  static constexpr std::chrono::seconds kStatisticsEvery{10};  // how often they are written
  static constexpr std::chrono::seconds kStatusEvery{10};      // how often systemd is told what goes on
  // How often bandwidth limits are read that other nodes may have set.
  static constexpr std::chrono::seconds kLimitsEvery{10};

  void stop_if_outdated();
  void beat();
  void load_limits();
  void renew_shares();
  void refresh_accounts();
  void tell_status();

  const Parts parts_;
  std::atomic<bool> renewing_shares_{false};
  bool shares_renewed_ = true;  // at the last try; of whoever renews
  // Of the thread that ticks.
  bool outdated_ = false;
  Instant beat_due_ = std::chrono::steady_clock::now() + kBeatEvery;
  Instant statistics_due_ = std::chrono::steady_clock::now() + kStatisticsEvery;
  Instant usage_due_ = std::chrono::steady_clock::now() + kUsageEvery;
  Instant status_due_;
  Instant removals_due_;
  Instant limits_due_;
};

}  // namespace vodlift::app
