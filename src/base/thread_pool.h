// Threads for work that may block (disk, SQL), with a bounded queue.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>

namespace vodlift {

// Runs jobs in the order in which they came. A thread is made when a job finds none that is free, up to a limit, and
// ends when it had nothing to do for `idle`. Internally locked: any thread may call post().
class ThreadPool {
 public:
  // At most `threads` (1..256) run and at most `queue_limit` jobs wait. `name` as in named_thread().
  ThreadPool(std::string name, std::size_t threads, std::size_t queue_limit,
             std::chrono::milliseconds idle = std::chrono::seconds(5));
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  // Like stop().
  ~ThreadPool() { stop(); }

  // Queues `job`. False when the queue is full, when the pool is stopping, when there is no thread and none can be
  // made, or when there is no memory: then the job is dropped and does not run. A job must not throw.
  [[nodiscard]] bool post(std::function<void()> job);

  // Runs what is queued, takes no new jobs, and waits for the threads' end. May be called twice.
  void stop();

  // The same, but waits for `grace` at most. False when threads still run then: they go on using this object.
  [[nodiscard]] bool stop_within(std::chrono::milliseconds grace);

 private:
  bool has_thread_for_new_job();
  void work();

  const std::string name_;
  const std::size_t most_threads_;
  const std::size_t queue_limit_;
  const std::chrono::milliseconds idle_;
  std::mutex mutex_;  // guards the rest
  std::condition_variable wake_;
  std::condition_variable ended_;  // the last thread has ended
  std::size_t threads_ = 0;        // that run
  std::size_t free_ = 0;           // of them, those that wait for a job
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
};

}  // namespace vodlift
