#include "storage/timed_reads.h"

#include <pthread.h>

#include <future>
#include <utility>

namespace vodlift::storage {

TimedReads::TimedReads(std::chrono::milliseconds patience) : patience_(patience), watch_([this] { watch(); }) {
  pthread_setname_np(watch_.native_handle(), "disk-watch");
}

TimedReads::~TimedReads() {
  stop_within({});
  pool_.stop();
}

void TimedReads::start(Work work, Done done) {
  const auto read = std::make_shared<Read>(Read{std::move(work), std::move(done), {}, false});
  std::unique_lock lock(mutex_);
  if (stopping_ || hanging_ >= kThreads || !pool_.post([this, read] { run(read); })) {
    lock.unlock();
    return read->done(std::nullopt);
  }
  read->deadline = std::chrono::steady_clock::now() + patience_;
  waited_for_.push_back(read);
  if (idle_) changed_.notify_one();  // else it wakes before this one's deadline anyway
}

std::optional<Result<>> TimedReads::call(Work work) {
  // Shared: the waiter may be gone before set_value() has returned.
  const auto promise = std::make_shared<std::promise<std::optional<Result<>>>>();
  auto future = promise->get_future();
  start(std::move(work), [promise](std::optional<Result<>> result) { promise->set_value(std::move(result)); });
  return future.get();
}

void TimedReads::run(const Shared& read) {
  Work work;
  {
    const std::lock_guard lock(mutex_);
    work = std::move(read->work);
    if (!read->done) return;  // given up before its turn
    read->runs = true;
  }
  Result<> result = work();
  Done done;
  {
    const std::lock_guard lock(mutex_);
    done = std::exchange(read->done, nullptr);
    if (!done) --hanging_;
    drop_settled();
  }
  if (done) done(std::move(result));
}

void TimedReads::drop_settled() {
  while (!waited_for_.empty() && !waited_for_.front()->done) waited_for_.pop_front();
}

void TimedReads::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_ || !waited_for_.empty()) {
    drop_settled();
    if (waited_for_.empty()) {
      idle_ = true;
      changed_.wait(lock, [this] { return stopping_ || !waited_for_.empty(); });
      idle_ = false;
      continue;
    }
    const auto deadline = waited_for_.front()->deadline;
    if (!stopping_ && std::chrono::steady_clock::now() < deadline) {
      changed_.wait_until(lock, deadline);
      continue;
    }
    const Shared read = std::move(waited_for_.front());
    waited_for_.pop_front();
    if (read->runs) ++hanging_;
    const Done done = std::exchange(read->done, nullptr);
    lock.unlock();
    done(std::nullopt);
    lock.lock();
  }
}

bool TimedReads::stop_within(std::chrono::milliseconds grace) {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (watch_.joinable()) watch_.join();
  return pool_.stop_within(grace);
}

}  // namespace vodlift::storage
