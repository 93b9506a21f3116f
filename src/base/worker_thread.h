// A named thread with a loop, and the thread names that the system shows.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"

namespace vodlift {

// A thread that the system shows as `name` (1 to 15 bytes) and that runs `body`. An exception costs what the body was
// doing, a job or a round of its loop: it is logged, and the body is run again. So a body keeps what must last outside
// of itself. Throws std::system_error where no thread can be made.
std::thread named_thread(const std::string& name, std::function<void()> body);

// One thread that runs a loop until it is stopped. The loop keeps its data elsewhere, under a lock of its own: other
// threads change the data and then call wake(), the loop looks at the data after each wait. wait(), wait_until() and
// wait_for() are for the loop's thread; start() and stop() are for the owner; the rest is for any thread. A loop that
// must finish what came before a stop asks for stopping() first and looks at its data then.
class WorkerThread {
 public:
  WorkerThread() = default;
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;
  // Like stop(). Declare the WorkerThread below the data of its loop, so that it is joined before they are gone.
  ~WorkerThread() { stop(); }

  // Runs `body` on a new thread, again after an exception. `name` as in named_thread(). Call it at most once.
  void start(const std::string& name, std::function<void()> body);

  // Ends the wait that is under way; without one, the next wait ends at once. Several calls end one wait only.
  void wake();

  // Makes stopping() true and wakes the loop.
  void request_stop();

  // The same, and waits for the thread's end. Does nothing where no thread runs. May be called again.
  void stop();

  [[nodiscard]] bool stopping() const { return stopping_; }

  // Waits for wake(). A stop wakes the loop once, so a loop may go on waiting after it.
  void wait();
  // Waits no longer than to the given moment. Returns whether the loop was woken.
  bool wait_until(SteadyTime moment);
  bool wait_for(std::chrono::milliseconds time) { return wait_until(std::chrono::steady_clock::now() + time); }

 private:
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;  // guards woken_
  std::condition_variable wake_;
  bool woken_ = false;
  std::thread thread_;
};

}  // namespace vodlift
