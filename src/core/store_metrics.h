// What is counted of a database's transactions, whichever engine it is.
#pragma once

#include <array>

#include "base/metrics.h"
#include "core/upload.h"

namespace vodlift {

inline constexpr std::array kBatchBounds = {1., 2., 4., 8., 16., 32., 64., 128., 256., 512.};

// Uploads that were made or moved, by the number of their new state.
using EnteredUploads = std::array<Counter, Words<UploadState>::kCount>;

// Any thread.
struct StoreMetrics {
  Histogram commit_seconds;         // from BEGIN to the disk, of one transaction
  Histogram changes{kBatchBounds};  // in one transaction
  Counter refused;                  // transactions that failed
  Gauge waiting;                    // changes
  EnteredUploads entered;

  void write(MetricsText& text) const;
};

}  // namespace vodlift
