#include "door/fair_pool.h"

#include <algorithm>
#include <ctime>
#include <new>
#include <utility>

#include "base/log.h"

namespace vodlift::door {
namespace {

// What this thread has used of a processor.
std::chrono::nanoseconds processor_time() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace

bool FairPool::post(std::int64_t account, std::function<void()> job) {
  const std::lock_guard lock(mutex_);
  const auto owner = owners_.try_emplace(account).first;
  const bool queued = queue(owner->second, std::move(job));
  const auto& [jobs, running, due] = owner->second;
  if (jobs.empty() && running == 0 && due == Instant()) owners_.erase(owner);
  return queued;
}

bool FairPool::queue(Owner& owner, std::function<void()> job) {
  const std::size_t most = std::max<std::size_t>(places_ / 4, 1);
  if (jobs_ >= places_ || owner.jobs.size() + owner.running >= most) return false;
  try {
    owner.jobs.push_back(std::move(job));
  } catch (const std::bad_alloc&) {
    return false;
  }
  if (!pool_.post([this] { run(); })) {
    owner.jobs.pop_back();
    return false;
  }
  ++jobs_;
  // All other threads may be busy, so that nobody else takes it.
  if (one_waits_) changed_.notify_one();
  return true;
}

void FairPool::hurry() {
  const std::lock_guard lock(mutex_);
  hurries_ = true;
  changed_.notify_all();
}

// The pool calls it once for each job.
void FairPool::run() {
  std::unique_lock lock(mutex_);
  ++calls_;
  serve(lock);
}

// A call that finds only accounts that have all their threads leaves its job to the next one of theirs that ends. One
// thread waits for accounts that rest.
void FairPool::serve(std::unique_lock<std::mutex>& lock) {
  while (calls_ > 0) {
    const auto owner = next_owner(std::chrono::steady_clock::now());
    if (owner != owners_.end()) {
      --calls_;
      last_ = owner->first;
      carry_out(owner->second, lock);
      continue;
    }
    const auto until = end_of_a_rest();
    if (!until || one_waits_) return;
    one_waits_ = true;
    changed_.wait_until(lock, *until);
    one_waits_ = false;
  }
}

// A job that throws has not answered its request. Its responder answers 500 when it is destroyed.
void FairPool::run_job(const std::function<void()>& job) {
  try {
    job();
  } catch (const std::exception& failure) {
    log::error("a request was given up", {{"reason", failure.what()}});
  }
}

void FairPool::carry_out(Owner& owner, std::unique_lock<std::mutex>& lock) {
  const std::function<void()> job = std::exchange(owner.jobs.front(), nullptr);
  owner.jobs.pop_front();
  ++owner.running;
  // Another thread must wait in this one's place. Where the pool takes no more, some are about to come.
  if (calls_ > 0 && !one_waits_ && end_of_a_rest()) {
    (void)pool_.post([this] {
      std::unique_lock its_own(mutex_);
      serve(its_own);
    });
  }
  lock.unlock();
  const auto before = processor_time();
  run_job(job);
  const auto used = processor_time() - before;
  lock.lock();
  --jobs_;
  --owner.running;
  const Instant oldest = std::chrono::steady_clock::now() - in_time(kBurst);
  owner.due = std::max(owner.due, oldest) + in_time(used);
}

// The time in which an account earns so much of the processors.
FairPool::Instant::duration FairPool::in_time(std::chrono::nanoseconds of_processors) const {
  using Seconds = std::chrono::duration<double>;
  return std::chrono::duration_cast<Instant::duration>(Seconds(of_processors) / share_.processors);
}

// From when on its next job may run; nothing: before that, one of its jobs must end or come.
std::optional<FairPool::Instant> FairPool::ready_from(const Owner& owner) const {
  if (owner.jobs.empty() || owner.running >= share_.threads) return std::nullopt;
  if (hurries_) return Instant();
  // One that used processors lately has no more threads than processors.
  return static_cast<double>(owner.running) < share_.processors ? owner.due : owner.due + in_time(kBurst);
}

FairPool::Owners::iterator FairPool::next_owner(Instant now) {
  std::erase_if(owners_, [oldest = now - in_time(kBurst)](const auto& one) {
    const Owner& owner = one.second;
    return owner.jobs.empty() && owner.running == 0 && owner.due <= oldest;
  });
  const auto may_run = [this, now](const auto& one) { return ready_from(one.second).value_or(Instant::max()) <= now; };
  const auto behind = owners_.upper_bound(last_);
  const auto found = std::find_if(behind, owners_.end(), may_run);
  if (found != owners_.end()) return found;
  const auto first = std::find_if(owners_.begin(), behind, may_run);
  return first == behind ? owners_.end() : first;
}

// When the next account that only rests may go on; nothing: none does.
std::optional<FairPool::Instant> FairPool::end_of_a_rest() const {
  std::optional<Instant> first;
  for (const auto& [account, owner] : owners_) {
    const auto ready = ready_from(owner);
    if (ready) first = std::min(first.value_or(*ready), *ready);
  }
  return first;
}

}  // namespace vodlift::door
