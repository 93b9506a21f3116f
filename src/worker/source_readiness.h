// Whether a source is still being written: it is waited for, because half a film is no upload.
#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"
#include "core/upload.h"

namespace vodlift::worker {

struct SourceReadiness {
  std::chrono::milliseconds quiet{0};  // so long a source must not have been written to; 0: it is taken as it is
  std::chrono::milliseconds wait{0};   // so long after its first attempt an upload waits for that
};

// When `source` will have been quiet long enough if nobody writes to it any more; nothing when it has been by `now`.
// A modification time further ahead than `quiet` tells nothing (another clock, or a time that was set on purpose), and
// counts as quiet.
std::optional<WallTime> quiet_at(const SourceIdentity& source, const SourceReadiness& readiness, WallTime now);

}  // namespace vodlift::worker
