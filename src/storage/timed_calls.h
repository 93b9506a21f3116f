// Calls of a file system that may never come back.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "base/thread_pool.h"

namespace vodlift::storage {

// Makes calls on threads of its own and waits for each only so long. When all of the threads hang, further calls are
// given up at once, until one comes back. Internally locked.
class TimedCalls {
 public:
  static constexpr int kThreads = 2;
  static constexpr std::size_t kMaxWaiting = 4096;

  explicit TimedCalls(std::chrono::milliseconds patience) : patience_(patience) {}

  // What `work` gives; nothing when it did not in time. It may still run then, and what it uses must last until stop().
  template <class T>
  std::optional<T> call(std::function<T()> work) {
    struct Call {
      std::promise<T> promise;
      std::atomic<bool> settled{false};  // by the result, or by who waited and gave up
    };
    if (given_up_ >= kThreads) return std::nullopt;
    const auto one = std::make_shared<Call>();
    auto future = one->promise.get_future();
    const bool taken = pool_.post([this, one, work = std::move(work)] {
      std::optional<T> result;
      std::exception_ptr failure;
      try {
        result = work();
      } catch (...) {
        failure = std::current_exception();
      }
      if (one->settled.exchange(true)) {
        --given_up_;
      } else if (failure) {
        one->promise.set_exception(failure);
      } else {
        one->promise.set_value(std::move(*result));
      }
    });
    if (!taken) return std::nullopt;
    if (future.wait_for(patience_) != std::future_status::ready && !one->settled.exchange(true)) {
      ++given_up_;
      return std::nullopt;
    }
    return future.get();
  }

  // Waits for the calls that run; further ones give nothing.
  void stop() { pool_.stop(); }

  // The same, but not for longer than `grace`; false when calls still hang then.
  [[nodiscard]] bool stop_within(std::chrono::milliseconds grace) { return pool_.stop_within(grace); }

 private:
  const std::chrono::milliseconds patience_;
  std::atomic<int> given_up_{0};
  ThreadPool pool_{"disk-open", kThreads, kMaxWaiting};
};

}  // namespace vodlift::storage
