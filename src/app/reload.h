// Which settings of a configuration file may change while the server runs.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "alert/alert_watch.h"
#include "app/config.h"
#include "core/nodes.h"
#include "core/settings.h"
#include "core/upload_store.h"
#include "telemetry/otlp_exporter.h"

namespace vodlift::app {

// Which settings two configurations do not share. Paths that follow from another setting count too. Pure.
ReloadedSettings difference_of(const Config& used, const Config& fresh);

// Takes what may change while the server runs, and the certificate's new content; the rest needs a restart. A storage
// with uploads that have not ended is not removed: they would fail.
class Reload final : public Settings {
 public:
  struct Parts {
    std::function<Result<>(const Config& next)> check;  // whether there is room for it, before anything changes
    std::function<Result<>()> use_certificates;         // reads them again; at a fault those before stay in use
    std::function<Result<int>(const std::string& storage)> unfinished;  // unfinished_on()
    std::function<Result<>(const Config& next)> use;  // all of it, or nothing; the log's level is set here
    std::function<void(alert::Options fresh)> use_alerts;
    std::function<void(telemetry::Collector fresh)> use_traces;
  };
  static constexpr int kMostCounted = 1000;

  // `config` is the one in use.
  Reload(const Config& config, Parts parts) : used_(config), parts_(std::move(parts)) {}

  Result<ReloadedSettings> reload() override;

 private:
  [[nodiscard]] Result<> check_removed(const Config& fresh) const;

  std::mutex mutex_;  // guards used_
  Config used_;
  const Parts parts_;
};

// How many uploads of files on a storage have not ended and need this node, `self`: none where another one, which runs,
// takes them. Reload::kMostCounted: perhaps more. Blocks for the database. Errors: those of Nodes::list() and
// UploadStore::search().
Result<int> unfinished_on(const std::string& storage, Nodes& nodes, const NodeTerm& self, UploadStore& uploads);

}  // namespace vodlift::app
