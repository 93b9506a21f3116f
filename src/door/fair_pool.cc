#include "door/fair_pool.h"

#include <algorithm>
#include <utility>

namespace vodlift::door {

bool FairPool::post(std::int64_t account, std::function<void()> job) {
  const std::lock_guard lock(mutex_);
  const auto owner = owners_.try_emplace(account).first;
  auto& [jobs, running] = owner->second;
  const bool room = jobs_ < places_ && jobs.size() + running < std::max<std::size_t>(places_ / 4, 1);
  if (room) jobs.push_back(std::move(job));
  if (room && pool_.post([this] { run(); })) {
    ++jobs_;
    return true;
  }
  if (room) jobs.pop_back();
  if (jobs.empty() && running == 0) owners_.erase(owner);
  return false;
}

// The pool calls it once for each job. A call that finds only accounts that have all their threads leaves its job to
// the next one of theirs that ends.
void FairPool::run() {
  std::unique_lock lock(mutex_);
  auto owner = next_owner();
  if (owner == owners_.end()) {
    ++left_;
    return;
  }
  for (;;) {
    last_ = owner->first;
    ++owner->second.running;
    {
      const std::function<void()> job = std::exchange(owner->second.jobs.front(), nullptr);
      owner->second.jobs.pop_front();
      lock.unlock();
      job();
    }
    lock.lock();
    --jobs_;
    if (--owner->second.running == 0 && owner->second.jobs.empty()) owners_.erase(owner);
    if (left_ == 0) return;
    owner = next_owner();
    if (owner == owners_.end()) return;
    --left_;
  }
}

FairPool::Owners::iterator FairPool::next_owner() {
  const auto may_run = [this](const auto& one) { return !one.second.jobs.empty() && one.second.running < most_; };
  const auto behind = owners_.upper_bound(last_);
  const auto found = std::find_if(behind, owners_.end(), may_run);
  if (found != owners_.end()) return found;
  const auto first = std::find_if(owners_.begin(), behind, may_run);
  return first == behind ? owners_.end() : first;
}

}  // namespace vodlift::door
