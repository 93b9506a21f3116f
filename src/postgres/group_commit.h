// Changes that share a commit.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/worker_thread.h"

namespace vodlift::postgres {

// Gathers jobs and hands them in groups to `run`, on threads of its own: what comes while each of them commits a group
// waits for the next one. A server works on one core for each connection, so several threads are faster than one.
// Two groups may commit at the same time. They lock rows as the groups of two nodes do. A group by itself costs
// as much as a dozen jobs. So while one is under way, the next waits until it is as large. Internally locked.
template <class Job, class Answer>
class GroupCommit {
 public:
  using Done = std::function<void(Result<Answer>)>;
  // Answers for each job, in their order: each of these was committed, or changed nothing. An error: nothing of the
  // whole group was changed; then each job is tried alone.
  using Run = std::function<Result<std::vector<Result<Answer>>>(std::span<const Job> jobs)>;

  static constexpr std::size_t kMostWaiting = 16384;
  static constexpr std::size_t kMostTogether = 512;
  static constexpr std::chrono::milliseconds kGather{2};

  // `waiting` counts the jobs that have no answer yet; it must outlive this. `run` is called by `threads` threads.
  // `gather`: how long a job waits at most for others to come, while a group is under way.
  GroupCommit(const std::string& thread, int threads, Gauge& waiting, Run run,
              std::chrono::milliseconds gather = kGather)
      : waiting_count_(waiting), run_(std::move(run)), gather_(gather), loops_(static_cast<std::size_t>(threads)) {
    for (WorkerThread& loop : loops_) loop.start(thread, [this, &loop] { work(loop); });
  }
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;
  // Carries out what waits.
  ~GroupCommit() {
    for (WorkerThread& loop : loops_) loop.stop();
  }

  // `done` is called once: on a thread of this, after the commit, or here and now with overloaded. It must not block.
  void post(Job job, Done done) {
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.size() < kMostWaiting) {
        if (waiting_.empty()) waiting_since_ = std::chrono::steady_clock::now();
        waiting_.push_back({std::move(job), std::move(done)});
        ++unanswered_;
        waiting_count_.add(1);
        if (waiting_.size() == 1 || waiting_.size() >= under_way_) wake();
        return;
      }
    }
    done(Error{Errc::overloaded, "too many changes wait for the database"});
  }

  // Waits until all that was posted is answered.
  void drain() {
    std::unique_lock lock(mutex_);
    answered_.wait(lock, [this] { return unanswered_ == 0; });
  }

 private:
  struct Entry {
    Job job;
    Done done;
  };

  void work(WorkerThread& loop) {
    for (;;) {
      std::vector<Job> jobs;
      std::vector<Done> answers;
      std::optional<std::chrono::steady_clock::time_point> gathered;
      {
        const std::lock_guard lock(mutex_);
        if (!waiting_.empty() && waiting_.size() < under_way_) gathered = waiting_since_ + gather_;
        if (!gathered || *gathered <= std::chrono::steady_clock::now() || loop.stopping()) take(jobs, answers);
      }
      if (!jobs.empty()) {
        run_group(jobs, answers);
        tell_answered(jobs.size());
      } else if (gathered) {
        loop.wait_until(*gathered);
      } else if (loop.stopping()) {
        return;
      } else {
        loop.wait();
      }
    }
  }

  void take(std::vector<Job>& jobs, std::vector<Done>& answers) {
    while (!waiting_.empty() && jobs.size() < kMostTogether) {
      jobs.push_back(std::move(waiting_.front().job));
      answers.push_back(std::move(waiting_.front().done));
      waiting_.pop_front();
    }
    under_way_ += jobs.size();
    waiting_since_ = std::chrono::steady_clock::now();
  }

  void wake() {
    for (WorkerThread& loop : loops_) loop.wake();
  }

  void tell_answered(std::size_t count) {
    waiting_count_.add(-static_cast<std::int64_t>(count));
    const std::lock_guard lock(mutex_);
    unanswered_ -= count;
    under_way_ -= count;
    if (!waiting_.empty()) wake();
    answered_.notify_all();
  }

  // An exception may come after the commit: then nobody must try again.
  Result<std::vector<Result<Answer>>> run_guarded(std::span<const Job> jobs) {
    try {
      return run_(jobs);
    } catch (const std::exception& error) {
      log::error("a change of the database failed", {{"error", error.what()}});
      return Error{Errc::store_failed, "the server had no memory for a change of the database"};
    }
  }

  void run_group(const std::vector<Job>& jobs, std::vector<Done>& answers) {
    auto outcomes = run_guarded(jobs);
    for (std::size_t at = 0; at < jobs.size(); ++at) {
      if (outcomes) {
        answers[at](std::move((*outcomes)[at]));
      } else if (jobs.size() == 1 || outcomes.error().code == Errc::store_failed) {
        answers[at](outcomes.error());
      } else {
        auto alone = run_guarded(std::span(jobs).subspan(at, 1));
        answers[at](alone ? std::move(alone->front()) : Result<Answer>(alone.error()));
      }
    }
  }

  Gauge& waiting_count_;
  const Run run_;
  const std::chrono::milliseconds gather_;
  std::mutex mutex_;  // guards what follows
  std::deque<Entry> waiting_;
  std::chrono::steady_clock::time_point waiting_since_{};  // the first of them
  std::size_t under_way_ = 0;                              // jobs that threads have taken
  std::size_t unanswered_ = 0;
  std::condition_variable answered_;
  std::vector<WorkerThread> loops_;
};

}  // namespace vodlift::postgres
