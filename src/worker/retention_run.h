// Removes uploads some time after their end.
#pragma once

#include <array>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/words.h"
#include "base/worker_thread.h"
#include "core/upload_retention.h"
#include "worker/upload_archive.h"

namespace vodlift::worker {

struct RetentionOptions {
  // How long uploads are kept after they came into these states; 0: for ever.
  std::chrono::days completed{0};
  std::chrono::days failed{0};
  std::chrono::days cancelled{0};
  std::filesystem::path archive;              // a folder; empty: none
  std::chrono::milliseconds least_rest{100};  // after each step
};

// Uploads that were removed, by their state. Any thread.
struct RetentionMetrics {
  std::array<Counter, Words<UploadState>::kCount> removed;

  void write(MetricsText& text) const;
};

// Once an hour it walks the uploads that ended long enough ago, in steps of kStep, and removes those that wait for no
// callback: first into the archive, then from the store. None is removed within kLongestRepeat of its end. After each
// step it rests for ten times the step's length, `least_rest` at least: whoever waits for the store goes first. It does
// nothing within kTrust after the clock was set, for the clock may be set once more. What fails is logged, and tried
// again in the next round.
class RetentionRun {
 public:
  static constexpr int kStep = 50;
  static constexpr std::chrono::milliseconds kTrust{std::chrono::hours(1)};

  // Everything given must outlive it.
  RetentionRun(UploadRetention& uploads, const Clock& clock, RetentionOptions options,
               ClockWatch::Uptime uptime = since_boot);
  RetentionRun(const RetentionRun&) = delete;
  RetentionRun& operator=(const RetentionRun&) = delete;
  // Like stop().
  ~RetentionRun() { stop(); }

  // start() and stop() from one thread. stop() waits for the step under way.
  void start();
  void stop() { loop_.stop(); }

  // From the next round on, which begins soon. Any thread.
  void use(RetentionOptions options);

  // Removes all that is due. For the thread of start(), and for tests without one. Never throws.
  void round() noexcept;

  [[nodiscard]] const RetentionMetrics& metrics() const { return metrics_; }

 private:
  void loop();
  void take_options();
  Result<int> remove_ended(UploadState state, std::chrono::days keep);
  Result<int> remove_page(UploadState state, const EndedPage& page);
  bool trusts_clock();

  UploadRetention& uploads_;
  const Clock& clock_;
  std::mutex mutex_;         // guards the next one
  RetentionOptions wanted_;  // from the next round on
  RetentionMetrics metrics_;
  // Of round()'s thread.
  RetentionOptions options_;
  std::optional<UploadArchive> archive_;
  ClockWatch watch_;
  bool clock_was_set_ = false;
  WorkerThread loop_;
};

}  // namespace vodlift::worker
