#include "worker/source_readiness.h"

namespace vodlift::worker {

std::optional<WallTime> quiet_at(const SourceIdentity& source, const SourceReadiness& readiness, WallTime now) {
  constexpr std::int64_t kNanosecondsPerMillisecond = 1'000'000;
  const WallTime modified = from_unix_ms(source.modified_ns / kNanosecondsPerMillisecond);
  if (modified > now + readiness.quiet) return std::nullopt;
  // A whole millisecond more, for the part of one that was cut off.
  const WallTime quiet = modified + readiness.quiet + std::chrono::milliseconds(1);
  return readiness.quiet.count() > 0 && quiet > now ? std::optional(quiet) : std::nullopt;
}

}  // namespace vodlift::worker
