#include "net/transfer_loop.h"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

#include "base/log.h"

namespace vodlift::net {
namespace {

// Handles without a request, kept because a new one costs some allocations.
constexpr std::size_t kIdleHandles = 64;
constexpr int kLongestPollMs = 1000;
constexpr std::string_view kStopping = "the server is stopping";

void require_global_init() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (result != CURLE_OK) throw std::runtime_error("libcurl cannot be initialised");
}

}  // namespace

TransferLoop::TransferLoop(const std::string& name, std::size_t max_connections) : max_connections_(max_connections) {
  require_global_init();
  idle_.reserve(kIdleHandles);
  multi_ = curl_multi_init();
  if (multi_ == nullptr) throw std::bad_alloc();
  thread_.start(name, [this] { run(); });
}

void TransferLoop::use_connections(std::size_t max_connections) {
  max_connections_ = max_connections;
  wake();
}

void TransferLoop::limit_connections() {
  const std::size_t wanted = max_connections_;
  if (wanted == limited_to_) return;
  curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(wanted));
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(wanted));
  limited_to_ = wanted;
}

TransferLoop::~TransferLoop() {
  stop();
  for (CURL* handle : idle_) curl_easy_cleanup(handle);
  curl_multi_cleanup(multi_);
}

// A transfer that is dropped tells so, which may start another: it must not happen under the lock.
void TransferLoop::start(HttpRequest request, HttpClient::Done done) {
  LoadShare load(load_, request.reader_size >= kLargeBodyBytes ? &large_load_ : nullptr);
  const std::uint64_t id = ++last_id_;
  auto transfer = std::make_unique<Transfer>(
      id, std::move(load), std::move(request), std::move(done), [this, id] { resume(id); },
      [this, id](std::chrono::nanoseconds after) { later_.emplace(std::chrono::steady_clock::now() + after, id); });
  {
    const std::lock_guard lock(mutex_);
    if (!thread_.stopping()) {
      arrivals_.push_back(std::move(transfer));
      wake();
      return;
    }
  }
  fail(std::move(transfer), {Errc::interrupted, std::string(kStopping)});
}

void TransferLoop::begin_stop() {
  {
    const std::lock_guard lock(mutex_);
    thread_.request_stop();
  }
  wake();
}

void TransferLoop::stop() {
  begin_stop();
  thread_.stop();
}

void TransferLoop::resume(std::uint64_t id) {
  {
    const std::lock_guard lock(mutex_);
    try {
      resumed_.push_back(id);
    } catch (const std::bad_alloc&) {
      resumes_all_ = true;
    }
  }
  wake();
}

// What `done` did not get to is told by those who hold it, when the transfer is dropped (base/surely_called.h).
void TransferLoop::fail(std::unique_ptr<Transfer> transfer, Error error) {
  try {
    transfer->fail(std::move(error));
  } catch (const std::exception& failure) {
    log::error("a completion threw", {{"reason", failure.what()}});
  }
}

void TransferLoop::run() {
  resume_all();  // after an exception: whom it kept from being resumed is not known
  while (take_arrivals()) {
    limit_connections();
    int still_running = 0;
    curl_multi_perform(multi_, &still_running);
    collect_finished();
    curl_multi_poll(multi_, nullptr, 0, patience_ms(), nullptr);
  }
  end_all();
}

void TransferLoop::end_all() {
  while (!running_.empty()) {
    auto transfer = std::move(running_.extract(running_.begin()).mapped());
    curl_multi_remove_handle(multi_, transfer->handle());
    curl_easy_cleanup(transfer->handle());
    fail(std::move(transfer), {Errc::interrupted, std::string(kStopping)});
  }
}

// Begins what other threads have asked for. False when it is time to stop.
bool TransferLoop::take_arrivals() {
  std::vector<std::unique_ptr<Transfer>> arrivals;
  std::vector<std::uint64_t> resumed;
  bool resumes_all = false;
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    arrivals.swap(arrivals_);
    resumed.swap(resumed_);
    resumes_all = std::exchange(resumes_all_, false);
    stopping = thread_.stopping();
  }
  for (auto& transfer : arrivals) {
    if (stopping) {
      fail(std::move(transfer), {Errc::interrupted, std::string(kStopping)});
    } else {
      begin(std::move(transfer));
    }
  }
  if (resumes_all) resume_all();
  take_due(resumed);
  for (const std::uint64_t id : resumed) {
    const auto at = running_.find(id);
    if (at != running_.end()) at->second->go_on();
  }
  return !stopping;
}

void TransferLoop::resume_all() {
  for (const auto& [id, transfer] : running_) transfer->go_on();
}

void TransferLoop::take_due(std::vector<std::uint64_t>& resumed) {
  const auto due = later_.upper_bound(std::chrono::steady_clock::now());
  for (auto at = later_.begin(); at != due; ++at) resumed.push_back(at->second);
  later_.erase(later_.begin(), due);
}

int TransferLoop::patience_ms() const {
  if (later_.empty()) return kLongestPollMs;
  const auto left = later_.begin()->first - std::chrono::steady_clock::now();
  return static_cast<int>(
      std::clamp<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count(), 0, kLongestPollMs));
}

void TransferLoop::begin(std::unique_ptr<Transfer> transfer) {
  CURL* handle = nullptr;
  if (idle_.empty()) {
    handle = curl_easy_init();
  } else {
    handle = idle_.back();
    idle_.pop_back();
  }
  if (handle == nullptr) return fail(std::move(transfer), {Errc::internal, "no memory"});
  bool added = false;
  try {
    running_.emplace(transfer->id(), nullptr);  // before libcurl has the handle: nothing may fail after that
    transfer->attach(handle);
    added = curl_multi_add_handle(multi_, handle) == CURLM_OK;
  } catch (const std::exception& failure) {
    log::error("a request could not be made", {{"reason", failure.what()}});
  }
  if (!added) {
    running_.erase(transfer->id());
    curl_easy_cleanup(handle);
    return fail(std::move(transfer), {Errc::internal, "no memory"});
  }
  running_.find(transfer->id())->second = std::move(transfer);
}

void TransferLoop::collect_finished() {
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

void TransferLoop::release(CURL* handle) {
  if (idle_.size() >= kIdleHandles) return curl_easy_cleanup(handle);
  curl_easy_reset(handle);
  idle_.push_back(handle);
}

}  // namespace vodlift::net
