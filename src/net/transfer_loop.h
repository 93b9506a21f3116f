// One thread that runs outgoing requests with libcurl's multi interface.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/worker_thread.h"
#include "net/http_transfer.h"

namespace vodlift::net {

// A body of this size keeps a thread busy. Smaller bodies cost less on one thread than spread over several.
inline constexpr std::int64_t kLargeBodyBytes = std::int64_t{1024} * 1024;

// All public methods from any thread.
class TransferLoop {
 public:
  // At most `max_connections` (>= 1) are open at once and kept alive; further requests wait. `name` as HttpClient's.
  TransferLoop(const std::string& name, std::size_t max_connections);
  TransferLoop(const TransferLoop&) = delete;
  TransferLoop& operator=(const TransferLoop&) = delete;
  ~TransferLoop();

  // As HttpClient::start().
  void start(HttpRequest request, HttpClient::Done done);
  // Requests that have no answer yet, and those of them with a large body.
  [[nodiscard]] std::size_t load() const { return load_; }
  [[nodiscard]] std::size_t large_load() const { return large_load_; }
  // Whether one more would have a connection.
  [[nodiscard]] bool has_room() const { return load_ < max_connections_; }
  // At most so many from now on.
  void use_connections(std::size_t max_connections);
  // Ends all requests with `interrupted`, without waiting for that.
  void begin_stop();
  // begin_stop(), and joins the thread. May be called twice.
  void stop();

 private:
  void wake() { curl_multi_wakeup(multi_); }
  void resume(std::uint64_t id);

  // The rest runs on the loop's thread.
  void run();
  void limit_connections();
  bool take_arrivals();
  void resume_all();
  void take_due(std::vector<std::uint64_t>& resumed);
  [[nodiscard]] int patience_ms() const;
  void begin(std::unique_ptr<Transfer> transfer);
  void fail(std::unique_ptr<Transfer> transfer, Error error);
  void end_all();
  void collect_finished();
  void release(CURL* handle);

  CURLM* multi_ = nullptr;
  std::atomic<std::size_t> max_connections_;
  std::atomic<std::size_t> load_{0};
  std::atomic<std::size_t> large_load_{0};

  std::atomic<std::uint64_t> last_id_{0};
  std::mutex mutex_;  // guards the next three, and the begin of a stop
  std::vector<std::unique_ptr<Transfer>> arrivals_;
  std::vector<std::uint64_t> resumed_;
  bool resumes_all_ = false;  // there was no memory to say which

  // The rest belongs to the loop's thread.
  std::unordered_map<std::uint64_t, std::unique_ptr<Transfer>> running_;
  std::multimap<SteadyTime, std::uint64_t> later_;  // paused transfers, by the time at which they go on
  std::vector<CURL*> idle_;
  std::size_t limited_to_ = 0;  // what libcurl knows of max_connections_
  WorkerThread thread_;         // waits in libcurl, so it is woken with wake()
};

}  // namespace vodlift::net
