#include "net/http_client.h"

#include <pthread.h>

#include <future>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <unordered_map>

#include "base/log.h"
#include "net/http_transfer.h"

namespace vodlift::net {
namespace {

// Handles without a request, kept because a new one costs some allocations.
constexpr std::size_t kIdleHandles = 64;
constexpr int kLongestPollMs = 1000;

void require_global_init() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (result != CURLE_OK) throw std::runtime_error("libcurl cannot be initialised");
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

class HttpClient::Impl {
 public:
  Impl(const std::string& name, std::size_t max_connections) {
    require_global_init();
    multi_ = curl_multi_init();
    if (multi_ == nullptr) throw std::bad_alloc();
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(max_connections));
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(max_connections));
    thread_ = std::thread([this] { run(); });
    pthread_setname_np(thread_.native_handle(), name.c_str());
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    stop();
    for (CURL* handle : idle_) curl_easy_cleanup(handle);
    curl_multi_cleanup(multi_);
  }

  void start(HttpRequest request, Done done) {
    {
      const std::lock_guard lock(mutex_);
      if (!stopping_) {
        const std::uint64_t id = ++last_id_;
        arrivals_.push_back(std::make_unique<Transfer>(
            id, std::move(request), std::move(done), [this, id] { resume(id); },
            [this, id](std::chrono::nanoseconds after) {
              later_.emplace(std::chrono::steady_clock::now() + after, id);
            }));
        wake();
        return;
      }
    }
    done(Error{Errc::interrupted, "the server is stopping"});
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void wake() { curl_multi_wakeup(multi_); }

  void resume(std::uint64_t id) {
    {
      const std::lock_guard lock(mutex_);
      resumed_.push_back(id);
    }
    wake();
  }

  void run();
  bool take_arrivals();
  void take_due(std::vector<std::uint64_t>& resumed);
  [[nodiscard]] int patience_ms() const;
  void begin(std::unique_ptr<Transfer> transfer);
  void collect_finished();
  void release(CURL* handle);

  CURLM* multi_ = nullptr;
  std::thread thread_;

  std::mutex mutex_;  // guards the next four
  bool stopping_ = false;
  std::uint64_t last_id_ = 0;
  std::vector<std::unique_ptr<Transfer>> arrivals_;
  std::vector<std::uint64_t> resumed_;

  // The rest belongs to the transfer thread.
  std::unordered_map<std::uint64_t, std::unique_ptr<Transfer>> running_;
  std::multimap<std::chrono::steady_clock::time_point, std::uint64_t> later_;  // who goes on when
  std::vector<CURL*> idle_;
};

void HttpClient::Impl::run() {
  while (take_arrivals()) {
    int still_running = 0;
    curl_multi_perform(multi_, &still_running);
    collect_finished();
    curl_multi_poll(multi_, nullptr, 0, patience_ms(), nullptr);
  }
  for (auto& [id, transfer] : running_) {
    curl_multi_remove_handle(multi_, transfer->handle());
    curl_easy_cleanup(transfer->handle());
    transfer->fail(Error{Errc::interrupted, "the server is stopping"});
  }
  running_.clear();
}

// Takes in what other threads left; false when it is time to stop.
bool HttpClient::Impl::take_arrivals() {
  std::vector<std::unique_ptr<Transfer>> arrivals;
  std::vector<std::uint64_t> resumed;
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    arrivals.swap(arrivals_);
    resumed.swap(resumed_);
    stopping = stopping_;
  }
  for (auto& transfer : arrivals) {
    if (stopping) {
      transfer->fail(Error{Errc::interrupted, "the server is stopping"});
    } else {
      begin(std::move(transfer));
    }
  }
  take_due(resumed);
  for (const std::uint64_t id : resumed) {
    const auto at = running_.find(id);
    if (at != running_.end()) curl_easy_pause(at->second->handle(), CURLPAUSE_CONT);
  }
  return !stopping;
}

void HttpClient::Impl::take_due(std::vector<std::uint64_t>& resumed) {
  const auto due = later_.upper_bound(std::chrono::steady_clock::now());
  for (auto at = later_.begin(); at != due; ++at) resumed.push_back(at->second);
  later_.erase(later_.begin(), due);
}

int HttpClient::Impl::patience_ms() const {
  if (later_.empty()) return kLongestPollMs;
  const auto left = later_.begin()->first - std::chrono::steady_clock::now();
  return static_cast<int>(
      std::clamp<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count(), 0, kLongestPollMs));
}

void HttpClient::Impl::begin(std::unique_ptr<Transfer> transfer) {
  CURL* handle = nullptr;
  if (idle_.empty()) {
    handle = curl_easy_init();
  } else {
    handle = idle_.back();
    idle_.pop_back();
  }
  if (handle == nullptr) return transfer->fail(Error{Errc::internal, "out of memory for a new connection"});
  try {
    transfer->attach(handle);
  } catch (const std::exception& failure) {
    curl_easy_cleanup(handle);
    return transfer->fail(Error{Errc::internal, failure.what()});
  }
  if (curl_multi_add_handle(multi_, handle) != CURLM_OK) {
    curl_easy_cleanup(handle);
    return transfer->fail(Error{Errc::internal, "libcurl refused a new request"});
  }
  running_.emplace(transfer->id(), std::move(transfer));
}

void HttpClient::Impl::collect_finished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* handle = message->easy_handle;
    const CURLcode code = message->data.result;
    Transfer* transfer = nullptr;
    curl_easy_getinfo(handle, CURLINFO_PRIVATE, &transfer);
    curl_multi_remove_handle(multi_, handle);
    const auto at = running_.find(transfer->id());
    const std::unique_ptr<Transfer> owned = std::move(at->second);
    running_.erase(at);
    try {
      owned->finish(code);
    } catch (const std::exception& failure) {
      log::error("a completion threw", {{"reason", failure.what()}});
    }
    release(handle);
  }
}

void HttpClient::Impl::release(CURL* handle) {
  if (idle_.size() >= kIdleHandles) return curl_easy_cleanup(handle);
  curl_easy_reset(handle);
  idle_.push_back(handle);
}

HttpClient::HttpClient(const std::string& name, std::size_t max_connections)
    : impl_(std::make_unique<Impl>(name, max_connections)) {}

HttpClient::~HttpClient() = default;

void HttpClient::start(HttpRequest request, Done done) { impl_->start(std::move(request), std::move(done)); }

Result<HttpResponse> HttpClient::perform(HttpRequest request) {
  // Shared: the waiter may be gone before set_value() has returned on the transfer thread.
  const auto promise = std::make_shared<std::promise<Result<HttpResponse>>>();
  auto answer = promise->get_future();
  start(std::move(request), [promise](Result<HttpResponse> result) { promise->set_value(std::move(result)); });
  return answer.get();
}

void HttpClient::stop() { impl_->stop(); }

}  // namespace vodlift::net
