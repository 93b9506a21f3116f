#include "storage/timed_calls.h"

#include <utility>

namespace vodlift::storage {

Watchdog::Watchdog() {
  thread_.start("disk-watch", [this] { loop(); });
}

void Watchdog::watch(TimedCalls& calls, SteadyTime when) {
  {
    const std::lock_guard lock(mutex_);
    const auto at = due_.emplace(when, &calls);
    if (at != due_.begin()) return;
  }
  thread_.wake();
}

void Watchdog::forget(TimedCalls& calls) {
  std::unique_lock lock(mutex_);
  looked_.wait(lock, [&] { return looking_ != &calls; });
  std::erase_if(due_, [&](const auto& entry) { return entry.second == &calls; });
}

void Watchdog::loop() {
  while (!thread_.stopping()) {
    SteadyTime next = SteadyTime::max();
    if (look(next)) continue;
    if (next == SteadyTime::max()) {
      thread_.wait();
    } else {
      thread_.wait_until(next);
    }
  }
}

bool Watchdog::look(SteadyTime& next) {
  std::unique_lock lock(mutex_);
  if (due_.empty()) return false;
  const auto first = due_.begin();
  const SteadyTime now = std::chrono::steady_clock::now();
  if (first->first > now) {
    next = first->first;
    return false;
  }
  TimedCalls* const calls = looking_ = first->second;
  due_.erase(first);
  lock.unlock();
  const auto again = calls->give_up_overdue(now);
  lock.lock();
  if (again) due_.emplace(*again, calls);
  looking_ = nullptr;
  looked_.notify_all();
  return true;
}

TimedCalls::TimedCalls(std::shared_ptr<Watchdog> watchdog, std::string name, int threads,
                       std::chrono::milliseconds patience)
    : watchdog_(std::move(watchdog)),
      threads_(threads),
      patience_(patience),
      pool_(std::move(name), static_cast<std::size_t>(threads), kMaxWaiting) {}

TimedCalls::~TimedCalls() {
  (void)stop_within({});
  watchdog_->forget(*this);
  pool_.stop();
}

void TimedCalls::run_at_any_time(std::function<void()> work) {
  const auto call = std::make_shared<CallOf<bool>>(
      [work = std::move(work)] {
        work();
        return true;
      },
      [](std::optional<bool>) {});
  call->runs_late = true;
  begin(call);
}

void TimedCalls::begin(const Shared& call) {
  std::unique_lock lock(mutex_);
  if (stopping_ || (hanging_ >= threads_ && !call->runs_late) || !pool_.post([this, call] { run(call); })) {
    lock.unlock();
    return call->report_given_up();
  }
  call->deadline = std::chrono::steady_clock::now() + patience_;
  pending_.push_back(call);
  if (std::exchange(watched_, true)) return;  // it looks at an earlier deadline and goes on from there
  const SteadyTime first = call->deadline;
  lock.unlock();
  watchdog_->watch(*this, first);
}

void TimedCalls::run(const Shared& call) {
  {
    const std::lock_guard lock(mutex_);
    if (call->settled) {  // given up before it had a thread
      if (!call->runs_late) return;
      ++hanging_;  // for as long as it runs
    }
    call->runs = true;
  }
  call->run();
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(call->settled, true)) {
      --hanging_;
      return;
    }
    drop_settled();
  }
  call->report_result();
}

void TimedCalls::drop_settled() {
  while (!pending_.empty() && pending_.front()->settled) pending_.pop_front();
}

// Under the lock: settles the calls up to that deadline. The caller has to report them.
std::vector<TimedCalls::Shared> TimedCalls::take_until(SteadyTime deadline) {
  std::vector<Shared> taken;
  for (; !pending_.empty() && pending_.front()->deadline <= deadline; pending_.pop_front()) {
    const Shared& call = pending_.front();
    if (std::exchange(call->settled, true)) continue;
    if (call->runs) ++hanging_;
    taken.push_back(call);
  }
  return taken;
}

std::optional<SteadyTime> TimedCalls::give_up_overdue(SteadyTime now) {
  std::vector<Shared> overdue;
  std::optional<SteadyTime> next;
  {
    const std::lock_guard lock(mutex_);
    overdue = take_until(now);
    drop_settled();
    watched_ = !pending_.empty();
    if (watched_) next = pending_.front()->deadline;
  }
  for (const Shared& call : overdue) call->report_given_up();
  return next;
}

bool TimedCalls::stop_within(std::chrono::milliseconds grace) {
  std::vector<Shared> left;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    left = take_until(SteadyTime::max());
  }
  for (const Shared& call : left) call->report_given_up();
  return pool_.stop_within(grace);
}

}  // namespace vodlift::storage
