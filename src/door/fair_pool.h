// Threads for requests that may block, shared among the accounts that ask.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "base/thread_pool.h"

namespace vodlift::door {

// Runs jobs on a thread pool, of the accounts in turn, and the jobs of one account in their order. One account has
// `Share::threads` of the threads at a time and a quarter of the places that wait, so that no account can keep the
// others out. It has `Share::processors` of the processors' time in the long run, and kBurst of it at once, so that
// what else the server does finds a processor: jobs beyond it wait, whether or not others have any. Time in which a job
// waits for a disk is not counted. Internally locked; any thread. The pool must outlive the jobs and be stopped before
// this object goes. Remembers one entry for each account that has a job or rests.
class FairPool {
 public:
  struct Share {
    std::size_t threads;  // fewer than the pool has, or there is nothing to share
    double processors;    // above 0; as many as `threads` or more: any time
  };
  static constexpr std::chrono::milliseconds kBurst{60};

  // `places`: jobs that wait or run.
  FairPool(ThreadPool& pool, Share share, std::size_t places) : pool_(pool), share_(share), places_(places) {}

  // Queues `job`. False when the account, or all together, have as many as they may, when the pool takes none, or when
  // there is no memory: then it does not run. An exception of a job is logged.
  [[nodiscard]] bool post(std::int64_t account, std::function<void()> job);

  // Ends all rests, now and later. Call it before the pool's stop(), which runs what is queued.
  void hurry();

 private:
  using Instant = std::chrono::steady_clock::time_point;
  struct Owner {
    std::deque<std::function<void()>> jobs;
    std::size_t running = 0;
    Instant due{};  // until then it rests
  };
  using Owners = std::map<std::int64_t, Owner>;

  bool queue(Owner& owner, std::function<void()> job);
  void run();
  static void run_job(const std::function<void()>& job);
  void serve(std::unique_lock<std::mutex>& lock);
  void carry_out(Owner& owner, std::unique_lock<std::mutex>& lock);
  [[nodiscard]] Instant::duration in_time(std::chrono::nanoseconds of_processors) const;
  [[nodiscard]] std::optional<Instant> ready_from(const Owner& owner) const;
  Owners::iterator next_owner(Instant now);
  [[nodiscard]] std::optional<Instant> end_of_a_rest() const;

  ThreadPool& pool_;
  const Share share_;
  const std::size_t places_;
  std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  Owners owners_;
  std::size_t jobs_ = 0;    // that wait or run
  std::size_t calls_ = 0;   // of run() for which no job has been run yet
  std::int64_t last_ = 0;   // the account whose turn it was
  bool one_waits_ = false;  // a thread, for the end of a rest
  bool hurries_ = false;
};

}  // namespace vodlift::door
