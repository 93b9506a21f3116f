// Changes bandwidth limits where they are kept and where they count, in one step.
#pragma once

#include <mutex>
#include <vector>

#include "core/bandwidth.h"
#include "core/bandwidth_limits.h"

namespace vodlift {

// Internally locked; blocks for the disk. Errors of all: those of BandwidthLimits.
class BandwidthControl {
 public:
  // `storages`: the names of those that are configured.
  BandwidthControl(BandwidthLimits& kept, Bandwidth& live, std::vector<std::string> storages)
      : kept_(kept), live_(live), storages_(std::move(storages)) {}

  // What is kept counts from now on.
  Result<> load();

  Result<std::vector<BandwidthLimit>> list() { return kept_.list(); }
  // Effective at once. Errors also: invalid_value (no such time zone), not_found (no such storage).
  Result<> set(const BandwidthLimit& limit);
  // Errors also: not_found.
  Result<> remove(const BandwidthScope& scope);

 private:
  Result<> apply();

  BandwidthLimits& kept_;
  Bandwidth& live_;
  const std::vector<std::string> storages_;
  std::mutex mutex_;  // one change at a time: what counts is what was kept last
};

}  // namespace vodlift
