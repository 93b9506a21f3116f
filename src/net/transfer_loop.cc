#include "net/transfer_loop.h"

#include <algorithm>
#include <new>
#include <stdexcept>

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
  multi_ = curl_multi_init();
  if (multi_ == nullptr) throw std::bad_alloc();
  curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(max_connections));
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(max_connections));
  thread_.start(name, [this] { run(); });
}

TransferLoop::~TransferLoop() {
  stop();
  for (CURL* handle : idle_) curl_easy_cleanup(handle);
  curl_multi_cleanup(multi_);
}

void TransferLoop::start(HttpRequest request, HttpClient::Done done) {
  {
    const std::lock_guard lock(mutex_);
    if (!thread_.stopping()) {
      ++load_;
      if (request.reader_size >= kLargeBodyBytes) ++large_load_;
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
  done(Error{Errc::interrupted, std::string(kStopping)});
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
    resumed_.push_back(id);
  }
  wake();
}

void TransferLoop::forget(const Transfer& transfer) {
  --load_;
  if (transfer.body_size() >= kLargeBodyBytes) --large_load_;
}

void TransferLoop::fail(Transfer& transfer, Error error) {
  forget(transfer);
  transfer.fail(std::move(error));
}

void TransferLoop::run() {
  // After an exception: whom it kept from being resumed is not known.
  for (const auto& [id, transfer] : running_) curl_easy_pause(transfer->handle(), CURLPAUSE_CONT);
  while (take_arrivals()) {
    int still_running = 0;
    curl_multi_perform(multi_, &still_running);
    collect_finished();
    curl_multi_poll(multi_, nullptr, 0, patience_ms(), nullptr);
  }
  for (auto& [id, transfer] : running_) {
    curl_multi_remove_handle(multi_, transfer->handle());
    curl_easy_cleanup(transfer->handle());
    fail(*transfer, {Errc::interrupted, std::string(kStopping)});
  }
  running_.clear();
}

// Begins what other threads have asked for. False when it is time to stop.
bool TransferLoop::take_arrivals() {
  std::vector<std::unique_ptr<Transfer>> arrivals;
  std::vector<std::uint64_t> resumed;
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    arrivals.swap(arrivals_);
    resumed.swap(resumed_);
    stopping = thread_.stopping();
  }
  for (auto& transfer : arrivals) {
    try {
      if (stopping) {
        fail(*transfer, {Errc::interrupted, std::string(kStopping)});
      } else {
        begin(std::move(transfer));
      }
    } catch (const std::exception& failure) {
      log::error("a completion threw", {{"reason", failure.what()}});
    }
  }
  take_due(resumed);
  for (const std::uint64_t id : resumed) {
    const auto at = running_.find(id);
    if (at != running_.end()) at->second->go_on();
  }
  return !stopping;
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
  if (handle == nullptr) return fail(*transfer, {Errc::internal, "out of memory for a new connection"});
  try {
    running_.emplace(transfer->id(), nullptr);  // before libcurl has the handle: nothing may fail after that
    transfer->attach(handle);
  } catch (const std::exception& failure) {
    running_.erase(transfer->id());
    curl_easy_cleanup(handle);
    return fail(*transfer, {Errc::internal, failure.what()});
  }
  if (curl_multi_add_handle(multi_, handle) != CURLM_OK) {
    running_.erase(transfer->id());
    curl_easy_cleanup(handle);
    return fail(*transfer, {Errc::internal, "libcurl refused a new request"});
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
    forget(*owned);
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
