// Threads for requests that may block, shared among the accounts that ask.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>

#include "base/thread_pool.h"

namespace vodlift::door {

// Runs jobs on a thread pool, of the accounts in turn, and the jobs of one account in their order. One account has
// `most` of the threads at a time and a quarter of the places that wait, so that no account can keep the others out.
// Internally locked; any thread. The pool must outlive the jobs and be stopped before this object goes.
class FairPool {
 public:
  // `most` is below the pool's number of threads, or there is nothing to share. `places`: jobs that wait or run.
  FairPool(ThreadPool& pool, std::size_t most, std::size_t places) : pool_(pool), most_(most), places_(places) {}

  // Queues `job`. False when the account, or all together, have as many as they may, or when the pool takes none: then
  // it does not run. A job must not throw.
  [[nodiscard]] bool post(std::int64_t account, std::function<void()> job);

 private:
  struct Owner {
    std::deque<std::function<void()>> jobs;
    std::size_t running = 0;
  };
  using Owners = std::map<std::int64_t, Owner>;

  void run();
  Owners::iterator next_owner();

  ThreadPool& pool_;
  const std::size_t most_;
  const std::size_t places_;
  std::mutex mutex_;       // guards the rest
  Owners owners_;          // that have a job
  std::size_t jobs_ = 0;   // that wait or run
  std::size_t left_ = 0;   // calls of run() that ended without a job
  std::int64_t last_ = 0;  // the account whose turn it was
};

}  // namespace vodlift::door
