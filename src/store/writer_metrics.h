// What is counted of the database's writer.
#pragma once

#include "core/store_metrics.h"

namespace vodlift::store {

// Any thread.
struct WriterMetrics : StoreMetrics {
  Gauge log_bytes;  // of the write-ahead log that are not in the file yet

  void write(MetricsText& text) const {
    StoreMetrics::write(text);
    text.gauge("vodlift_store_log_bytes", "Size of the write-ahead log that is not in the database file yet.",
               log_bytes.value());
  }
};

}  // namespace vodlift::store
