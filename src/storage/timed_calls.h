// Calls of a file system that may never come back.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/await.h"
#include "base/clock.h"
#include "base/thread_pool.h"
#include "base/worker_thread.h"

namespace vodlift::storage {

class TimedCalls;

// Tells each TimedCalls when a deadline of one of its calls has come. One thread for all storages. Internally locked.
class Watchdog {
 public:
  Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Has `calls` look at its deadlines at `when`. It must last until forget().
  void watch(TimedCalls& calls, SteadyTime when);
  // Returns when this uses `calls` no more. Not on the watchdog's own thread.
  void forget(TimedCalls& calls);
  // Ends the thread: deadlines have no effect any more.
  void stop() { thread_.stop(); }

 private:
  void loop();
  // Lets one TimedCalls look whose time has come; returns whether there was one, else sets `next`.
  bool look(SteadyTime& next);

  std::mutex mutex_;  // guards the next two, and is not held while a TimedCalls looks
  std::multimap<SteadyTime, TimedCalls*> due_;
  TimedCalls* looking_ = nullptr;
  std::condition_variable looked_;
  WorkerThread thread_;
};

// Makes calls on threads of its own, and gives up each that has no result after a time. While calls that were given up
// occupy all of the threads, further calls are given up at once. Threads are made when they are needed (ThreadPool).
// Internally locked.
class TimedCalls {
 public:
  static constexpr std::size_t kMaxWaiting = 4096;

  // `threads` run at once, `name` as in named_thread(), `patience` from the start of a call, waiting for a thread
  // included.
  TimedCalls(std::shared_ptr<Watchdog> watchdog, std::string name, int threads, std::chrono::milliseconds patience);
  TimedCalls(const TimedCalls&) = delete;
  TimedCalls& operator=(const TimedCalls&) = delete;
  // Gives up all calls, and waits for those that run.
  ~TimedCalls();

  // Calls `done` once, with the result of `work`, or with nothing when the call was given up. Then `work` may still
  // run, so it has to own what it uses. `done` is called on this thread, on one of this object or on the watchdog's,
  // and must not block. Neither must throw.
  template <class T>
  void start(std::function<T()> work, std::function<void(std::optional<T>)> done) {
    begin(std::make_shared<CallOf<T>>(std::move(work), std::move(done)));
  }

  // Runs `work` as soon as a thread is free, however late that is. Nothing gives it up; the destructor waits for it. It
  // does not run if this object stops already, or if too many calls wait. It must own what it uses, and must not throw.
  void run_at_any_time(std::function<void()> work);

  // The same as start() for a caller that waits. Here `work` may throw, which ends up at the caller unless the call was
  // given up.
  template <class T>
  std::optional<T> call(std::function<T()> work) {
    struct Outcome {
      std::optional<T> result;
      std::exception_ptr failure;
    };
    std::function<Outcome()> guarded = [work = std::move(work)]() -> Outcome {
      try {
        return {work(), nullptr};
      } catch (...) {
        return {std::nullopt, std::current_exception()};
      }
    };
    auto outcome = await<std::optional<Outcome>>(
        [&](std::function<void(std::optional<Outcome>)> done) { start<Outcome>(std::move(guarded), std::move(done)); });
    if (!outcome) return std::nullopt;
    if (outcome->failure) std::rethrow_exception(outcome->failure);
    return std::move(outcome->result);
  }

  // Gives up all calls and takes no new ones. False when calls still hang after `grace`: their threads go on using this
  // object.
  [[nodiscard]] bool stop_within(std::chrono::milliseconds grace);

  // For the watchdog: gives up the calls whose deadline has come. Returns the next deadline; nothing where none is
  // left.
  std::optional<SteadyTime> give_up_overdue(SteadyTime now);

 private:
  struct Call {
    Call() = default;
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    virtual ~Call() = default;
    virtual void run() = 0;
    virtual void report_result() = 0;
    virtual void report_given_up() = 0;

    // Guarded by mutex_.
    SteadyTime deadline;
    bool runs = false;
    bool settled = false;    // reported, or about to be
    bool runs_late = false;  // also after it was given up
  };

  template <class T>
  struct CallOf final : Call {
    CallOf(std::function<T()> its_work, std::function<void(std::optional<T>)> its_done)
        : work(std::move(its_work)), done(std::move(its_done)) {}
    void run() override { result = work(); }
    // What `done` holds is released when it has been called.
    void report_result() override { std::exchange(done, nullptr)(std::move(result)); }
    void report_given_up() override { std::exchange(done, nullptr)(std::nullopt); }

    const std::function<T()> work;
    std::function<void(std::optional<T>)> done;
    std::optional<T> result;
  };
  using Shared = std::shared_ptr<Call>;

  void begin(const Shared& call);
  void run(const Shared& call);
  void drop_settled();
  std::vector<Shared> take_until(SteadyTime deadline);

  const std::shared_ptr<Watchdog> watchdog_;
  const int threads_;
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;            // guards the next four
  std::deque<Shared> pending_;  // by deadline; the first is not settled
  int hanging_ = 0;             // calls that were given up and still occupy a thread
  bool watched_ = false;        // the watchdog will look at the first deadline
  bool stopping_ = false;
  ThreadPool pool_;
};

}  // namespace vodlift::storage
