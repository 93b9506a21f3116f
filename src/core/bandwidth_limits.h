// Port: the bandwidth limits that are set, kept over restarts.
#pragma once

#include <vector>

#include "core/bandwidth_limit.h"

namespace vodlift {

// Any thread; all block for the disk. Errors of all: store_failed.
class BandwidthLimits {
 public:
  BandwidthLimits() = default;
  BandwidthLimits(const BandwidthLimits&) = delete;
  BandwidthLimits& operator=(const BandwidthLimits&) = delete;
  virtual ~BandwidthLimits() = default;

  // By scope.
  virtual Result<std::vector<BandwidthLimit>> list() = 0;
  // Adds the limit or replaces that of the same scope. Errors also: invalid_value (kMaxBandwidthLimits are set).
  virtual Result<> put(const BandwidthLimit& limit) = 0;
  // Errors also: not_found.
  virtual Result<> remove(const BandwidthScope& scope) = 0;
};

}  // namespace vodlift
