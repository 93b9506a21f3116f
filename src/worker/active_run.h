// An upload that this node holds the lease of.
#pragma once

#include <chrono>

#include "core/work_queue.h"
#include "worker/run_control.h"

namespace vodlift::worker {

// From its claim until its end is recorded. `completed` is guarded by the dispatcher's mutex.
struct ActiveRun {
  ClaimedUpload claimed;
  RunControl control;
  std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
  bool completed = false;  // sent and confirmed; only its end is not recorded yet

  [[nodiscard]] bool large() const { return control.size().value_or(claimed.upload.size) > kLargeUploadBytes; }
};

}  // namespace vodlift::worker
