#include "base/worker_thread.h"

#include <pthread.h>

#include <exception>
#include <utility>

#include "base/log.h"

namespace vodlift {

namespace {

// Between two runs of a body that threw: memory may be there again in a moment.
constexpr std::chrono::milliseconds kAfterException{50};

void run_behind_a_wall(const std::function<void()>& body) {
  for (;;) {
    try {
      return body();
    } catch (const std::exception& failure) {
      log::error("a thread gave up what it was doing and goes on", {{"reason", failure.what()}});
    }
    std::this_thread::sleep_for(kAfterException);
  }
}

}  // namespace

std::thread named_thread(const std::string& name, std::function<void()> body) {
  std::thread thread([body = std::move(body)] { run_behind_a_wall(body); });
  pthread_setname_np(thread.native_handle(), name.c_str());
  return thread;
}

void WorkerThread::start(const std::string& name, std::function<void()> body) {
  thread_ = named_thread(name, std::move(body));
}

void WorkerThread::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  // Under the lock: the owner may be destroyed as soon as the loop sees what it was woken for.
  wake_.notify_one();
}

void WorkerThread::request_stop() {
  stopping_ = true;
  wake();
}

void WorkerThread::stop() {
  request_stop();
  if (thread_.joinable()) thread_.join();
}

void WorkerThread::wait() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return woken_; });
  woken_ = false;
}

bool WorkerThread::wait_until(SteadyTime moment) {
  std::unique_lock lock(mutex_);
  const bool woken = wake_.wait_until(lock, moment, [this] { return woken_; });
  woken_ = false;
  return woken;
}

}  // namespace vodlift
