#include "base/thread_pool.h"

#include <new>
#include <utility>

#include "base/worker_thread.h"

namespace vodlift {

ThreadPool::ThreadPool(std::string name, std::size_t threads, std::size_t queue_limit, std::chrono::milliseconds idle)
    : name_(std::move(name)), most_threads_(threads), queue_limit_(queue_limit), idle_(idle) {}

bool ThreadPool::post(std::function<void()> job) {
  try {
    const std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= queue_limit_) return false;
    if (!has_thread_for_new_job()) return false;
    jobs_.push_back(std::move(job));
  } catch (const std::bad_alloc&) {
    return false;
  }
  wake_.notify_one();
  return true;
}

// Under the lock. Makes a thread when the free ones are all needed for jobs that wait already.
bool ThreadPool::has_thread_for_new_job() {
  if (jobs_.size() < free_ || threads_ == most_threads_) return true;
  try {
    named_thread(name_, [this] { work(); }).detach();
    ++threads_;
  } catch (const std::exception&) {
    return threads_ > 0;  // the machine has no more threads or memory; those that run will do the job later
  }
  return true;
}

void ThreadPool::stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
  ended_.wait(lock, [this] { return threads_ == 0; });
}

bool ThreadPool::stop_within(std::chrono::milliseconds grace) {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
  return ended_.wait_for(lock, grace, [this] { return threads_ == 0; });
}

void ThreadPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++free_;
    const bool news = wake_.wait_for(lock, idle_, [this] { return stopping_ || !jobs_.empty(); });
    --free_;
    if (!news || jobs_.empty()) break;
    {
      const std::function<void()> job = std::exchange(jobs_.front(), nullptr);
      jobs_.pop_front();
      lock.unlock();
      job();
    }
    lock.lock();
  }
  --threads_;
  // Under the lock: a caller that waits in stop() may destroy the pool as soon as the lock is free.
  if (threads_ == 0) ended_.notify_all();
}

}  // namespace vodlift
