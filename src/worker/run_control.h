// Messages between a running upload and the dispatcher, and the two ways in which a run repeats a step.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/random.h"
#include "core/retry_policy.h"
#include "worker/unfinished_reading.h"

namespace vodlift::worker {

// One per running upload. Internally locked.
class RunControl {
 public:
  // Tells the run to end at its next step with this error (interrupted, lease_lost). The first reason stays.
  void end(Error reason) {
    {
      const std::lock_guard lock(mutex_);
      if (!reason_) reason_ = std::move(reason);
    }
    wake_.notify_all();
  }

  // Cuts off transfers of the file's bytes under way. To be used on a run that was told to end.
  void cut_off() { cut_->store(true); }

  // end() with `interrupted`, and cut_off(): the upload's client waits for this.
  void recall() {
    cut_off();
    end({Errc::interrupted, "the upload's client wants it paused or cancelled"});
  }

  // The size that the run found. The source may have grown since the upload was claimed.
  void found_size(std::int64_t bytes) { size_.store(bytes); }
  // Nothing: the run has not looked at the source yet.
  [[nodiscard]] std::optional<std::int64_t> size() const {
    const std::int64_t bytes = size_.load();
    return bytes < 0 ? std::nullopt : std::optional(bytes);
  }

  // The run sent this much more: parts that are recorded.
  void sent(std::int64_t bytes) { sent_ += bytes; }
  [[nodiscard]] std::int64_t bytes_sent() const { return sent_.load(); }

  // What the run has read of a source or an object without getting to its end. Of the run's thread, and before and
  // after the run of the thread that runs it.
  [[nodiscard]] UnfinishedReading& reading() { return reading_; }

  // For Body::cut.
  [[nodiscard]] std::shared_ptr<const std::atomic<bool>> cut() const { return cut_; }

  [[nodiscard]] std::optional<Error> ended() const {
    const std::lock_guard lock(mutex_);
    return reason_;
  }

  [[nodiscard]] bool has_ended() const {
    const std::lock_guard lock(mutex_);
    return reason_.has_value();
  }

  // Waits for `delay` or until end(), whichever comes first.
  void wait(std::chrono::milliseconds delay) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, delay, [this] { return reason_.has_value(); });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<Error> reason_;
  std::atomic<std::int64_t> size_ = -1;
  std::atomic<std::int64_t> sent_ = 0;
  UnfinishedReading reading_;
  const std::shared_ptr<std::atomic<bool>> cut_ = std::make_shared<std::atomic<bool>>(false);
};

// Calls `operation`, which returns a Result, until it succeeds, fails for good, or request_retry_delay() gives up.
// Blocks between the tries; ends early with the control's reason. An error that only says that nothing is asked any
// more gets the error before it as its detail.
template <class Operation>
auto with_retries(RunControl& control, Operation operation) -> decltype(operation()) {
  std::string before;
  for (int next_try = 2;; ++next_try) {
    if (auto reason = control.ended()) return *reason;
    auto result = operation();
    if (result) return result;
    Error error = result.error();
    const auto delay = request_retry_delay(error.code, next_try, random_unit());
    if (!delay) {
      if (error.code == Errc::s3_unavailable && error.detail.empty()) error.detail = std::move(before);
      return error;
    }
    before = error.for_operator();
    control.wait(*delay);
  }
}

// Time between two tries of a change that the database refuses.
inline constexpr std::chrono::milliseconds kBetweenRecordings{500};

// Calls `record`, a change of the database that returns a Result<>, until the database accepts it or refuses it for
// good. While the database has no room, the run waits; this does not count as a failed attempt. Blocks. Once the run is
// told to end, there is one last try, which may return store_failed.
template <class Record>
Result<> until_recorded(RunControl& control, Record record) {
  for (;;) {
    const bool last = control.has_ended();
    Result<> recorded = record();
    if (last || recorded || recorded.error().code != Errc::store_failed) return recorded;
    control.wait(kBetweenRecordings);
  }
}

}  // namespace vodlift::worker
