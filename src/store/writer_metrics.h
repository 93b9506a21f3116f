// What is counted of the database's writer.
#pragma once

#include <array>

#include "base/metrics.h"
#include "store/upload_counts.h"

namespace vodlift::store {

inline constexpr std::array kBatchBounds = {1., 2., 4., 8., 16., 32., 64., 128., 256., 512.};

// Any thread.
struct WriterMetrics {
  Histogram commit_seconds;         // from BEGIN to the disk, of one transaction
  Histogram changes{kBatchBounds};  // in one transaction
  Counter refused;                  // transactions that failed
  Gauge waiting;                    // changes
  Gauge log_bytes;                  // of the write-ahead log that are not in the file yet

  UploadCounts::Entered entered;  // uploads that were made or moved, by their new state

  void write(MetricsText& text) const;
};

}  // namespace vodlift::store
