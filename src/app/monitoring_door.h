// Where monitoring systems and load balancers ask how the server is: GET /metrics, /healthz and /readyz.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/metrics_page.h"
#include "base/thread_pool.h"
#include "core/store_health.h"
#include "net/http_server.h"

namespace vodlift::app {

// A disk that has not answered for so long is one that hangs: nothing can be accepted.
inline constexpr std::chrono::seconds kLongestCommit{10};
// The first thread looks after the process every second. It hangs if it has not done so for this long.
inline constexpr std::chrono::seconds kLongestTick{30};

// Why a new upload could not be accepted for good now, each as one sentence; empty: it could. Pure.
std::vector<std::string> not_ready_for(const StoreHealth& health, bool stopping);

// Beside the REST API on the administration's socket, and on a listener of its own where [metrics] listen says.
// Construct, listen, start, stop: those from one thread; the others from any.
class MonitoringDoor {
 public:
  // `listen`: "ADDRESS:PORT"; empty: no listener of its own. What is given must outlive this.
  MonitoringDoor(std::string listen, const MetricsPage& page, const StoreMonitor& monitor);

  // Whether a request is for this door.
  [[nodiscard]] static bool takes(const net::Request& request);
  // After takes(). Does not block.
  void handle(const net::Request& request, net::Responder respond);

  // The process is alive: to be called every second or so.
  void tick() { ticked_ = std::chrono::steady_clock::now(); }

  // Binds the listener of its own, if there is one, or takes over `socket`, if it is valid. Errors: those of
  // HttpServer.
  Result<> listen(UniqueFd socket = {});
  void start();
  // Answers "not ready" from now on; stop() ends the rest.
  void begin_stop() { stopping_ = true; }
  void stop(std::chrono::milliseconds grace);
  // Of the listener of its own; empty: there is none. After listen().
  [[nodiscard]] std::string address() const { return server_ ? server_->address() : std::string(); }

 private:
  [[nodiscard]] net::Response health() const;
  [[nodiscard]] net::Response readiness() const;

  const std::string listen_;
  const MetricsPage& page_;
  const StoreMonitor& monitor_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::chrono::steady_clock::time_point> ticked_ = std::chrono::steady_clock::now();
  ThreadPool pool_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace vodlift::app
