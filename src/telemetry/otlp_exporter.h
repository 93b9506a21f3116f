// Sends spans to a collector of OpenTelemetry.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/secret.h"
#include "base/worker_thread.h"
#include "core/span.h"
#include "net/http_client.h"

namespace vodlift::telemetry {

// Where spans go.
struct Collector {
  std::string url{};              // "http://127.0.0.1:4318/v1/traces"; empty: nowhere, none are wanted
  std::vector<Secret> headers{};  // "Name: value" each; they may hold a key
  std::string host{};             // the name of this machine
};

// Spans wait until kMostInRequest of them are there, or for kBetween. A request that the collector does not answer, or
// refuses for the time being, is sent again until it succeeds; meanwhile the oldest of more than kMostWaiting spans are
// dropped. Has threads once spans are wanted. Internally locked; start(), use() and stop() one after another.
class OtlpExporter : public SpanSink {
 public:
  static constexpr std::size_t kMostWaiting = 4096;
  static constexpr std::size_t kMostInRequest = 512;
  static constexpr std::chrono::seconds kBetween{2};
  static constexpr std::chrono::seconds kTimeout{10};

  // `between`: for tests that do not wait.
  explicit OtlpExporter(Collector collector, std::chrono::milliseconds between = kBetween);
  // Like stop().
  ~OtlpExporter() override;

  void start();
  // From now on, also for the spans that wait; without a collector they are forgotten.
  void use(Collector fresh);
  // Sends what waits, once, within kLastTry, and ends.
  void stop();
  static constexpr std::chrono::seconds kLastTry{2};

  [[nodiscard]] bool wanted() const override { return wanted_; }
  void add(Span span) override;

  void write_metrics(MetricsText& text) const;

 private:
  void run_if_wanted();
  void loop();
  // Whether there may be more to send at once.
  bool send_some(std::chrono::milliseconds patience);
  void put_back(std::vector<Span> spans);

  const std::chrono::milliseconds between_;
  bool started_ = false;  // the owner's, as the next one
  bool runs_ = false;
  std::atomic<bool> wanted_;
  std::optional<net::HttpClient> client_;
  mutable std::mutex mutex_;  // guards the next four
  std::shared_ptr<const Collector> collector_;
  std::deque<Span> waiting_;
  std::int64_t sent_ = 0;
  std::int64_t dropped_ = 0;
  std::string told_;  // the collector that fails, as the log knows; of the loop's thread
  WorkerThread loop_;
};

}  // namespace vodlift::telemetry
