// The leases that this node holds, and the runs that work under them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "core/part_plan.h"
#include "core/work_queue.h"
#include "worker/run_control.h"

namespace vodlift::worker {

// How long a lease lasts unless it is renewed.
inline constexpr std::chrono::milliseconds kLease{60'000};

// One claimed upload, from its claim until its end is recorded.
struct ActiveRun {
  ClaimedUpload claimed;
  RunControl control;
  bool spare = false;  // it has a spare place (turns.h)
  std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();

  [[nodiscard]] bool large() const { return control.size().value_or(claimed.upload.size) > kLargeUploadBytes; }
  [[nodiscard]] bool in_parts() const { return wants_multipart(control.size().value_or(claimed.upload.size)); }
};

// Renews the leases of all active runs, and ends a run whose lease is lost or whose client recalls it. Internally
// locked.
class LeaseKeeper {
 public:
  // `queue` must outlive it.
  explicit LeaseKeeper(WorkQueue& queue) : queue_(queue) {}

  // Registers a claim that is given a slot. Returns false, and does not register it, if an earlier run of the same
  // upload is still in a slot. That run has lost its lease, and is told to end. May be repeated after an exception.
  bool add(const std::shared_ptr<ActiveRun>& run);
  // The run is over and occupies no slot any more. Its lease is renewed until release().
  void leave_slot(const ActiveRun& run);
  // The end of the run is recorded, or cannot be recorded.
  void release(const ActiveRun& run);

  // Renews all leases; one thread. Returns false if the store could not do that. A run ends with lease_lost if the
  // store says that its lease is lost, or if no renewal succeeded while the lease lasted.
  bool renew();
  // Ends the run of an upload that is in a slot, and cuts off its transfers: the client wants it paused or cancelled.
  void recall(UploadId id);
  // Ends the run of an upload that is in a slot, or all runs, with `reason`.
  void end(UploadId id, const Error& reason);
  void end_all(const Error& reason);
  // Cuts off the transfers of a run that is in a slot.
  void cut_off(UploadId id);

  // The runs that occupy a slot or wait for one, and how many they are without those that have a spare place.
  [[nodiscard]] std::vector<std::shared_ptr<const ActiveRun>> in_slots() const;
  [[nodiscard]] Places taken() const;
  // Waits until no run occupies a slot, at most for `patience`.
  void wait_for_empty_slots(std::chrono::milliseconds patience);

 private:
  [[nodiscard]] std::vector<std::shared_ptr<ActiveRun>> all() const;

  WorkQueue& queue_;
  mutable std::mutex mutex_;  // guards the next three
  std::condition_variable slots_empty_;
  // Nothing is added to either where a run ends: that must not fail for want of memory.
  std::map<UploadId, std::shared_ptr<ActiveRun>> in_slots_;
  std::map<const ActiveRun*, std::shared_ptr<ActiveRun>> held_;  // also those that are over and not recorded yet
  // Of renew()'s thread.
  std::chrono::steady_clock::time_point good_until_ = std::chrono::steady_clock::now() + kLease;
};

}  // namespace vodlift::worker
