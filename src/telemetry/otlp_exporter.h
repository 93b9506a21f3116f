// Sends spans to a collector of OpenTelemetry.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
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
  std::string url{};              // "http://127.0.0.1:4318/v1/traces"
  std::vector<Secret> headers{};  // "Name: value" each; they may hold a key
  std::string host{};             // the name of this machine
};

// Spans wait until kMostInRequest of them are there, or for kBetween. A request that the collector does not answer, or
// refuses for the time being, is sent again until it succeeds; meanwhile the oldest of more than kMostWaiting spans are
// dropped. Internally locked.
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
  // Sends what waits, once, within kLastTry, and ends.
  void stop();
  static constexpr std::chrono::seconds kLastTry{2};

  void add(Span span) override;

  void write_metrics(MetricsText& text) const;

 private:
  void loop();
  // Whether there may be more to send at once.
  bool send_some(std::chrono::milliseconds patience);
  void put_back(std::vector<Span> spans);

  const Collector collector_;
  const std::chrono::milliseconds between_;
  net::HttpClient client_;
  mutable std::mutex mutex_;  // guards the next three
  std::deque<Span> waiting_;
  std::int64_t sent_ = 0;
  std::int64_t dropped_ = 0;
  bool told_ = false;  // the log knows that the collector fails; of the loop's thread
  WorkerThread loop_;
};

}  // namespace vodlift::telemetry
