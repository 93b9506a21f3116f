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
  static std::optional<SteadyTime> look_at(TimedCalls& calls, SteadyTime now);

  std::mutex mutex_;  // guards the next two, and is not held while a TimedCalls looks
  std::multimap<SteadyTime, TimedCalls*> due_;
  TimedCalls* looking_ = nullptr;
  std::condition_variable looked_;
  WorkerThread thread_;
};

// What a call is about, such as a file: calls about one thing that hang must not hold up those about others. 0: nothing
// of its own.
using Subject = std::size_t;

// Makes calls on threads of its own, and gives up each that has no result after a time. A call that takes long leaves
// its place to another, which gets a spare thread, as long as there is one. Of one subject, two calls run at once.
// While a call about a subject hangs, or calls that hang occupy all threads, further ones are given up at once. Threads
// are made when they are needed (ThreadPool). Internally locked.
class TimedCalls {
 public:
  static constexpr std::size_t kMaxWaiting = 4096;
  static constexpr int kOfOneSubject = 2;

  struct Limits {
    int threads = 1;                     // for calls that do not take long
    int spare = 0;                       // and so many more at most, in place of those that do
    std::chrono::milliseconds patience;  // from the start of a call, waiting for a thread included
  };

  // `name` as in named_thread(). A call takes long after an eighth of the patience.
  TimedCalls(std::shared_ptr<Watchdog> watchdog, std::string name, const Limits& limits);
  TimedCalls(const TimedCalls&) = delete;
  TimedCalls& operator=(const TimedCalls&) = delete;
  // Gives up all calls, and waits for those that run.
  ~TimedCalls();

  // Calls `done` once, with the result of `work`, or with nothing when the call was given up. Then `work` may still
  // run, so it has to own what it uses. `done` is called on this thread, on one of this object or on the watchdog's,
  // and must not block. Work that throws has no result.
  template <class T>
  void start(Subject subject, std::function<T()> work, std::function<void(std::optional<T>)> done) {
    auto call = std::make_shared<CallOf<T>>(std::move(work), std::move(done));
    call->subject = subject;
    begin(call);
  }

  // Runs `work` as soon as a thread is free, however late that is. Nothing gives it up; the destructor waits for it. It
  // does not run if this object stops already, or if too many calls wait. It must own what it uses, and must not throw.
  void run_at_any_time(std::function<void()> work);

  // The same as start() for a caller that waits. Here `work` may throw, which ends up at the caller unless the call was
  // given up.
  template <class T>
  std::optional<T> call(Subject subject, std::function<T()> work) {
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
    auto outcome = await<std::optional<Outcome>>([&](std::function<void(std::optional<Outcome>)> done) {
      start<Outcome>(subject, std::move(guarded), std::move(done));
    });
    if (!outcome) return std::nullopt;
    if (outcome->failure) std::rethrow_exception(outcome->failure);
    return std::move(outcome->result);
  }

  // Gives up all calls and takes no new ones. False when calls still hang after `grace`: their threads go on using this
  // object.
  [[nodiscard]] bool stop_within(std::chrono::milliseconds grace);

  // For the watchdog: gives up the calls whose deadline has come, and begins others in place of those that take long.
  // Returns when to look again; nothing where nothing is to be watched, or another look is due before.
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

    Subject subject = 0;
    bool runs_late = false;  // also after it was given up
    // Guarded by mutex_.
    SteadyTime deadline;
    SteadyTime begun;      // when it got a thread
    bool settled = false;  // reported, or about to be
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
  bool post(const Shared& call);
  static void report(Call& call, bool given_up);
  // All under the lock.
  [[nodiscard]] bool refuses(const Call& call) const;
  [[nodiscard]] bool takes_long(const Call& call, SteadyTime now) const;
  [[nodiscard]] bool has_place(SteadyTime now) const;
  [[nodiscard]] bool may_run(const Call& call) const;
  void run_waiting(SteadyTime now);
  [[nodiscard]] SteadyTime next_look(SteadyTime now) const;
  void look_soon(SteadyTime now);
  void drop_settled();
  std::vector<Shared> take_until(SteadyTime deadline);

  const std::shared_ptr<Watchdog> watchdog_;
  const Limits limits_;
  std::mutex mutex_;             // guards the next five
  std::deque<Shared> pending_;   // not settled, and perhaps some that are; by deadline; the first is not settled
  std::deque<Shared> waiting_;   // for a thread; kMaxWaiting at most
  std::vector<Shared> running_;  // threads + spare at most
  SteadyTime next_look_ = SteadyTime::max();  // of the watchdog
  bool stopping_ = false;
  ThreadPool pool_;
};

}  // namespace vodlift::storage
