#include "storage/timed_calls.h"

#include <algorithm>
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

TimedCalls::TimedCalls(std::shared_ptr<Watchdog> watchdog, std::string name, const Limits& limits)
    : watchdog_(std::move(watchdog)),
      limits_(limits),
      pool_(std::move(name), static_cast<std::size_t>(limits.threads + limits.spare), kMaxWaiting) {}

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
  if (stopping_ || waiting_.size() >= kMaxWaiting || refuses(*call)) {
    lock.unlock();
    return call->report_given_up();
  }
  const SteadyTime now = std::chrono::steady_clock::now();
  call->deadline = now + limits_.patience;
  pending_.push_back(call);
  waiting_.push_back(call);
  run_waiting(now);
  const SteadyTime look = next_look(now);
  if (look >= next_look_) return;
  next_look_ = look;
  lock.unlock();
  watchdog_->watch(*this, look);
}

// A call about something that hangs would hang too.
bool TimedCalls::refuses(const Call& call) const {
  if (call.runs_late) return false;
  const auto hangs = [](const Shared& one) { return one->settled; };
  const auto of_it = [&](const Shared& one) { return call.subject != 0 && one->subject == call.subject; };
  const auto hanging = std::ranges::count_if(running_, hangs);
  return hanging >= limits_.threads + limits_.spare ||
         std::ranges::any_of(running_, [&](const Shared& one) { return hangs(one) && of_it(one); });
}

bool TimedCalls::takes_long(const Call& call, SteadyTime now) const {
  return call.settled || now - call.begun >= limits_.patience / 8;
}

bool TimedCalls::has_place(SteadyTime now) const {
  const auto quick = std::ranges::count_if(running_, [&](const Shared& one) { return !takes_long(*one, now); });
  return quick < limits_.threads && std::ssize(running_) < limits_.threads + limits_.spare;
}

bool TimedCalls::may_run(const Call& call) const {
  if (call.subject == 0) return true;
  return std::ranges::count(running_, call.subject, &Call::subject) < kOfOneSubject;
}

// Gives threads to the calls that wait, in their order.
void TimedCalls::run_waiting(SteadyTime now) {
  for (auto at = waiting_.begin(); at != waiting_.end() && has_place(now);) {
    const Shared call = *at;
    const bool given_up = call->settled && !call->runs_late;
    if (!given_up && !may_run(*call)) {
      ++at;
      continue;
    }
    if (!given_up) {
      if (!pool_.post([this, call] { run(call); })) return;  // no thread can be made now
      call->begun = now;
      running_.push_back(call);
    }
    at = waiting_.erase(at);
  }
}

// When something is to be done if nothing happens until then.
SteadyTime TimedCalls::next_look(SteadyTime now) const {
  SteadyTime look = pending_.empty() ? SteadyTime::max() : pending_.front()->deadline;
  if (waiting_.empty()) return look;
  for (const Shared& one : running_) {
    if (!takes_long(*one, now)) look = std::min(look, one->begun + limits_.patience / 8);
  }
  return look;
}

void TimedCalls::run(const Shared& call) {
  call->run();
  {
    const std::lock_guard lock(mutex_);
    std::erase(running_, call);
    run_waiting(std::chrono::steady_clock::now());
    if (std::exchange(call->settled, true)) return;
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
    taken.push_back(call);
  }
  return taken;
}

std::optional<SteadyTime> TimedCalls::give_up_overdue(SteadyTime now) {
  std::vector<Shared> overdue;
  std::optional<SteadyTime> next;
  {
    const std::lock_guard lock(mutex_);
    if (now < next_look_) return std::nullopt;
    overdue = take_until(now);
    drop_settled();
    std::erase_if(waiting_, [](const Shared& call) { return call->settled && !call->runs_late; });
    run_waiting(now);
    next_look_ = next_look(now);
    if (next_look_ != SteadyTime::max()) next = next_look_;
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
    // The pool runs what it has before it ends.
    for (const Shared& call : std::exchange(waiting_, {})) {
      if (call->runs_late) (void)pool_.post([call] { call->run(); });
    }
  }
  for (const Shared& call : left) call->report_given_up();
  return pool_.stop_within(grace);
}

}  // namespace vodlift::storage
