#include "worker/lease_keeper.h"

#include <algorithm>

#include "base/log.h"

namespace vodlift::worker {

using std::chrono::steady_clock;

namespace {

const HeldLease* find(const std::vector<HeldLease>& held, const Lease& lease) {
  const auto at = std::ranges::find_if(
      held, [&](const HeldLease& other) { return other.lease.id == lease.id && other.lease.fence == lease.fence; });
  return at == held.end() ? nullptr : &*at;
}

}  // namespace

bool LeaseKeeper::add(const std::shared_ptr<ActiveRun>& run) {
  const std::lock_guard lock(mutex_);
  held_.try_emplace(run.get(), run);
  const auto at = in_slots_.try_emplace(run->claimed.lease.id, run).first;
  if (at->second == run) return true;
  held_.erase(run.get());
  at->second->control.end({Errc::lease_lost, "the lease expired"});
  return false;
}

void LeaseKeeper::leave_slot(const ActiveRun& run) {
  const std::lock_guard lock(mutex_);
  const auto at = in_slots_.find(run.claimed.lease.id);
  if (at == in_slots_.end() || at->second.get() != &run) return;
  in_slots_.erase(at);
  if (in_slots_.empty()) slots_empty_.notify_all();
}

void LeaseKeeper::release(const ActiveRun& run) {
  const std::lock_guard lock(mutex_);
  held_.erase(&run);
}

bool LeaseKeeper::renew() {
  std::vector<std::shared_ptr<ActiveRun>> runs = all();
  std::vector<Lease> leases;
  leases.reserve(runs.size());
  for (const auto& run : runs) leases.push_back(run->claimed.lease);
  const auto asked = steady_clock::now();
  Result<std::vector<HeldLease>> held = std::vector<HeldLease>();
  if (!leases.empty()) held = queue_.renew(leases, kLease);
  if (!held) {
    log::error("leases cannot be renewed", {{"reason", held.error().for_operator()}});
    if (asked < good_until_) return false;  // they are still ours
  }
  good_until_ = asked + kLease;
  for (const auto& run : runs) {
    const HeldLease* kept = held ? find(*held, run->claimed.lease) : nullptr;
    if (kept == nullptr) {
      run->control.end({Errc::lease_lost, "the lease expired"});
      run->control.cut_off();  // another node may send the same object by now
    } else if (kept->recalled) {
      run->control.recall();
    }
  }
  return held.has_value();
}

void LeaseKeeper::recall(UploadId id) {
  const std::lock_guard lock(mutex_);
  if (const auto at = in_slots_.find(id); at != in_slots_.end()) at->second->control.recall();
}

void LeaseKeeper::end(UploadId id, const Error& reason) {
  const std::lock_guard lock(mutex_);
  if (const auto at = in_slots_.find(id); at != in_slots_.end()) at->second->control.end(reason);
}

void LeaseKeeper::cut_off(UploadId id) {
  const std::lock_guard lock(mutex_);
  if (const auto at = in_slots_.find(id); at != in_slots_.end()) at->second->control.cut_off();
}

void LeaseKeeper::end_all(const Error& reason) {
  for (const auto& run : all()) run->control.end(reason);
}

std::vector<std::shared_ptr<const ActiveRun>> LeaseKeeper::in_slots() const {
  std::vector<std::shared_ptr<const ActiveRun>> runs;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, run] : in_slots_) runs.push_back(run);
  return runs;
}

Places LeaseKeeper::taken() const {
  const std::lock_guard lock(mutex_);
  Places taken;
  for (const auto& [id, run] : in_slots_) {
    if (run->spare) continue;
    ++taken.all;
    if (run->large()) ++taken.large;
  }
  return taken;
}

void LeaseKeeper::wait_for_empty_slots(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  slots_empty_.wait_for(lock, patience, [this] { return in_slots_.empty(); });
}

std::vector<std::shared_ptr<ActiveRun>> LeaseKeeper::all() const {
  std::vector<std::shared_ptr<ActiveRun>> runs;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, run] : held_) runs.push_back(run);
  return runs;
}

}  // namespace vodlift::worker
