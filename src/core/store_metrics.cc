#include "core/store_metrics.h"

namespace vodlift {

void StoreMetrics::write(MetricsText& text) const {
  text.counter("vodlift_uploads_entered_total", "Uploads that came into a state.");
  for (std::size_t state = 0; state < entered.size(); ++state) {
    text.sample(entered[state].value(), {{"state", to_string(static_cast<UploadState>(state))}});
  }
  text.histogram("vodlift_store_commit_duration_seconds",
                 "Time of a transaction of the database, its changes and its sync included.");
  text.sample(commit_seconds);
  text.histogram("vodlift_store_commit_changes", "Changes that one transaction of the database made.");
  text.sample(changes);
  text.counter("vodlift_store_failed_commits_total", "Transactions that the database refused.", refused.value());
  text.gauge("vodlift_store_waiting_changes", "Changes that wait for the database.", waiting.value());
}

}  // namespace vodlift
