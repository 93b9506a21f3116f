// What a monitoring system is told of the server.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/store_engine.h"
#include "core/callback_history.h"
#include "core/multipart_ledger.h"
#include "core/statistics_collector.h"
#include "core/upload_store.h"
#include "legacy/call_metrics.h"
#include "net/http_server.h"
#include "rest/attention.h"
#include "rest/route.h"
#include "s3/endpoint_state.h"
#include "telemetry/otlp_exporter.h"
#include "worker/callback_run.h"
#include "worker/dispatcher.h"
#include "worker/retention_run.h"

namespace vodlift::app {

// What this program was built from.
struct Build {
  std::string_view version;
  std::string_view commit;
};

// So many accounts have samples of their own: those with most uploads that have not ended. The others are one, "other".
inline constexpr std::size_t kMostMeasuredAccounts = 100;
// Of so many of these, the age of the queue is told.
inline constexpr std::size_t kMostMeasuredQueues = 20;

// Writes all families of docs/monitoring.md, in Prometheus' text format. What cannot be read is left out, and told by
// vodlift_metrics_complete. Everything given must outlive it. One thread at a time.
class MetricsPage {
 public:
  struct Listener {
    std::string_view name;
    const net::HttpServer& server;
  };
  struct Sources {
    const rest::Context& context;
    const StatisticsCollector& collector;
    const legacy::CallMetrics& calls;
    const worker::Dispatcher& dispatcher;
    const worker::CallbackRun& callbacks;
    const worker::RetentionRun& retention;
    s3::EndpointStates& endpoints;
    const StoreEngine& engine;
    const telemetry::OtlpExporter& spans;
  };

  MetricsPage(const Sources& sources, std::vector<Listener> listeners, Build build)
      : sources_(sources), listeners_(std::move(listeners)), build_(build) {}

  // Blocks for the database, and for storages that do not answer, some seconds at most.
  [[nodiscard]] std::string write() const;

 private:
  class Writing;

  const Sources sources_;
  const std::vector<Listener> listeners_;
  const Build build_;
};

}  // namespace vodlift::app
