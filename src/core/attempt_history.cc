#include "core/attempt_history.h"

#include <algorithm>
#include <utility>

namespace vodlift {

AttemptEnd end_of_run(const Requeue& how, UploadState next, bool crashed) {
  if (crashed) return AttemptEnd::crashed;
  if (next == UploadState::paused) return AttemptEnd::paused;
  if (next == UploadState::cancelled) return AttemptEnd::cancelled;
  const bool waits = how.error || how.failed_attempt || how.delay;
  return waits ? AttemptEnd::requeued : AttemptEnd::interrupted;
}

AttemptEnd end_of_run(UploadState end) {
  switch (end) {
    case UploadState::completed:
      return AttemptEnd::completed;
    case UploadState::cancelled:
      return AttemptEnd::cancelled;
    default:
      return AttemptEnd::failed;
  }
}

KeepAttempt keep_attempt(const std::optional<UploadAttempt>& last, const UploadAttempt& next) {
  if (next.how == AttemptEnd::completed && !last && next.number <= 1) return KeepAttempt::nothing;
  const bool is_given_back = next.how == AttemptEnd::requeued || next.how == AttemptEnd::interrupted;
  if (is_given_back && !next.error && next.last_byte == next.first_byte) return KeepAttempt::nothing;
  const bool alike = last && last->number == next.number && last->how == next.how;
  const bool same_error = alike && (!next.error || (last->error && last->error->code == next.error->code));
  return same_error ? KeepAttempt::merged : KeepAttempt::apart;
}

UploadAttempt join(UploadAttempt last, const UploadAttempt& next) {
  last.times += next.times;
  if (next.error) last.error = next.error;
  last.ended = next.ended;
  last.last_byte = next.last_byte;
  last.node = next.node;
  return last;
}

void make_room(std::vector<UploadAttempt>& oldest_first) {
  if (std::ssize(oldest_first) <= kKeptAttempts) return;
  const auto interruption = std::ranges::find(oldest_first, AttemptEnd::interrupted, &UploadAttempt::how);
  oldest_first.erase(interruption == oldest_first.end() ? oldest_first.begin() : interruption);
}

void add_part(ConfirmedParts& parts, int number, std::optional<WallTime> confirmed) {
  parts.times.push_back(confirmed);
  if (!parts.ranges.empty() && parts.ranges.back() == number - 1) {
    parts.ranges.back() = number;
  } else {
    parts.ranges.insert(parts.ranges.end(), {number, number});
  }
}

}  // namespace vodlift
