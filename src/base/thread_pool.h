// A fixed number of threads for work that may block (disk, SQL), with a bounded queue.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace vodlift {

// Runs jobs in the order they came. Internally locked: any thread may call post().
class ThreadPool {
 public:
  // `threads` in 1..256; at most `queue_limit` jobs wait. `name` (15 bytes at most) is what the system shows.
  ThreadPool(std::string name, std::size_t threads, std::size_t queue_limit);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  // Like stop().
  ~ThreadPool();

  // Queues `job`; false when the queue is full or the pool is stopping, and then the job is dropped unrun.
  // A job must not throw.
  [[nodiscard]] bool post(std::function<void()> job);

  // Runs what is queued, takes nothing new, joins the threads. May be called twice.
  void stop();

  // The same as far as the threads end within `grace`; false when one does not. It still uses this then.
  [[nodiscard]] bool stop_within(std::chrono::milliseconds grace);

 private:
  void work();

  const std::string name_;
  const std::size_t queue_limit_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable left_;  // a thread has ended
  std::size_t running_;           // threads that have not
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace vodlift
