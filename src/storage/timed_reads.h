// Reads of a storage that may never come back.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/thread_pool.h"

namespace vodlift::storage {

// Makes them on threads of its own and gives each up after a time. When all of the threads hang, further ones are given
// up at once, until one comes back. Internally locked.
class TimedReads {
 public:
  static constexpr int kThreads = 4;
  static constexpr std::size_t kMaxWaiting = 4096;

  using Work = std::function<Result<>()>;
  using Done = std::function<void(std::optional<Result<>>)>;

  explicit TimedReads(std::chrono::milliseconds patience);
  TimedReads(const TimedReads&) = delete;
  TimedReads& operator=(const TimedReads&) = delete;
  // Waits for the reads that run.
  ~TimedReads();

  // Calls `done` once, with what `work` gives, or with nothing when it did not in time; then `work` may still run, and
  // has to own what it uses. `done` is called here or on a thread of this, and must not block. Neither must throw.
  void start(Work work, Done done);

  // The same for a caller that waits.
  std::optional<Result<>> call(Work work);

  // Gives up what is under way and takes nothing new; false when reads still hang after `grace`.
  bool stop_within(std::chrono::milliseconds grace);

 private:
  struct Read {
    Work work;
    Done done;
    std::chrono::steady_clock::time_point deadline;
    bool runs = false;
  };
  using Shared = std::shared_ptr<Read>;

  void run(const Shared& read);
  void watch();
  void drop_settled();

  const std::chrono::milliseconds patience_;
  std::mutex mutex_;  // guards the next five, and `done` and `runs` of each read
  std::condition_variable changed_;
  std::deque<Shared> waited_for_;  // by deadline; `done` is null in those that are settled
  int hanging_ = 0;                // given up, and still on a thread
  bool idle_ = false;              // watch() has no deadline to wait for
  bool stopping_ = false;
  ThreadPool pool_{"disk-read", kThreads, kMaxWaiting};
  std::thread watch_;
};

}  // namespace vodlift::storage
