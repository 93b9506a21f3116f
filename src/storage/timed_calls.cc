#include "storage/timed_calls.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/log.h"
#include "base/until_memory.h"

namespace vodlift::storage {
namespace {

constexpr std::chrono::milliseconds kAfterException{50};

}  // namespace

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

std::optional<SteadyTime> Watchdog::look_at(TimedCalls& calls, SteadyTime now) {
  try {
    return calls.give_up_overdue(now);
  } catch (const std::exception& failure) {
    log::error("overdue calls of a storage could not be given up yet", {{"reason", failure.what()}});
    return now + kAfterException;
  }
}

bool Watchdog::look(SteadyTime& next) {
  std::unique_lock lock(mutex_);
  if (due_.empty()) return false;
  const SteadyTime now = std::chrono::steady_clock::now();
  if (due_.begin()->first > now) {
    next = due_.begin()->first;
    return false;
  }
  auto entry = due_.extract(due_.begin());
  TimedCalls* const calls = looking_ = entry.mapped();
  lock.unlock();
  const auto again = look_at(*calls, now);
  lock.lock();
  if (again) {
    entry.key() = *again;
    due_.insert(std::move(entry));
  }
  looking_ = nullptr;
  looked_.notify_all();
  return true;
}

TimedCalls::TimedCalls(std::shared_ptr<Watchdog> watchdog, std::string name, const Limits& limits)
    : watchdog_(std::move(watchdog)),
      limits_(limits),
      pool_(std::move(name), static_cast<std::size_t>(limits.threads + limits.spare), kMaxWaiting) {
  running_.reserve(static_cast<std::size_t>(limits.threads) + static_cast<std::size_t>(limits.spare));
}

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
    return report(*call, /*given_up=*/true);
  }
  const SteadyTime now = std::chrono::steady_clock::now();
  call->deadline = now + limits_.patience;
  waiting_.push_back(call);
  try {
    pending_.push_back(call);
  } catch (const std::bad_alloc&) {
    waiting_.pop_back();
    throw;
  }
  run_waiting(now);
  const SteadyTime look = next_look(now);
  if (look >= next_look_) return;
  next_look_ = look;
  lock.unlock();
  until_memory([&] { watchdog_->watch(*this, look); });
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
      if (!post(call)) return;  // no thread can be made now
      call->begun = now;
      running_.push_back(call);
    }
    at = waiting_.erase(at);
  }
}

void TimedCalls::report(Call& call, bool given_up) {
  try {
    given_up ? call.report_given_up() : call.report_result();
  } catch (const std::exception& failure) {
    log::error("a completion threw", {{"reason", failure.what()}});
  }
}

bool TimedCalls::post(const Shared& call) {
  try {
    return pool_.post([this, call] { run(call); });
  } catch (const std::bad_alloc&) {
    return false;
  }
}

// When something is to be done if nothing happens until then.
SteadyTime TimedCalls::next_look(SteadyTime now) const {
  SteadyTime look = pending_.empty() ? SteadyTime::max() : pending_.front()->deadline;
  if (waiting_.empty()) return look;
  if (running_.empty()) look = std::min(look, now + kAfterException);  // no thread could be made
  for (const Shared& one : running_) {
    if (!takes_long(*one, now)) look = std::min(look, one->begun + limits_.patience / 8);
  }
  return look;
}

// Work that throws has no result.
void TimedCalls::run(const Shared& call) {
  try {
    call->run();
  } catch (const std::exception& failure) {
    log::error("a call of a storage was given up", {{"reason", failure.what()}});
  }
  {
    const std::lock_guard lock(mutex_);
    std::erase(running_, call);
    const SteadyTime now = std::chrono::steady_clock::now();
    run_waiting(now);
    // No thread could be asked for. Under the lock: after a stop nothing may be watched any more.
    if (running_.empty() && !waiting_.empty()) look_soon(now);
    if (std::exchange(call->settled, true)) return;
    drop_settled();
  }
  report(*call, /*given_up=*/false);
}

void TimedCalls::look_soon(SteadyTime now) {
  const SteadyTime look = next_look(now);
  if (look >= next_look_) return;
  next_look_ = look;
  until_memory([&] { watchdog_->watch(*this, look); });
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
  for (const Shared& call : overdue) report(*call, /*given_up=*/true);
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
  for (const Shared& call : left) report(*call, /*given_up=*/true);
  return pool_.stop_within(grace);
}

}  // namespace vodlift::storage
