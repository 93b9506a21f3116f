#include "core/callback_receivers.h"

namespace vodlift {
namespace {

constexpr int kLatencyWeight = 8;

std::int64_t day_of(WallTime time) { return std::chrono::floor<std::chrono::days>(time).time_since_epoch().count(); }

void turn(ReceiverSums::Days& days, std::int64_t by) {
  days.before = by == 1 ? days.last : 0;
  days.last = 0;
}

}  // namespace

void ReceiverSums::add_waiting(WallTime now) {
  ++waiting;
  used = now;
}

void ReceiverSums::turn_to(WallTime now) {
  const std::int64_t by = day_of(now) - day;
  if (by <= 0) return;  // a clock that was set back takes nothing away
  day += by;
  turn(delivered, by);
  turn(failed, by);
}

void ReceiverSums::count(const CallbackAttempt& attempt, const std::string& error, WallTime now) {
  turn_to(now);
  used = now;
  if (attempt.next != CallbackState::pending) --waiting;
  if (attempt.http_status != 0) {
    latency = latency ? (*latency * (kLatencyWeight - 1) + attempt.took) / kLatencyWeight : attempt.took;
  }
  if (attempt.next == CallbackState::delivered) {
    ++delivered.last;
    last_success = now;
    failing_since.reset();
    return;
  }
  ++failed.last;
  last_failure = now;
  last_error = error;
  if (!failing_since) failing_since = now;
}

void ReceiverSums::count_refused(WallTime now) {
  used = now;
  --waiting;
}

std::optional<ReceiverFailing> ReceiverSums::failing(WallTime now) const {
  using std::chrono::floor;
  using std::chrono::milliseconds;
  if (!failing_since || !last_failure) return std::nullopt;
  return ReceiverFailing{floor<milliseconds>(*last_failure - *failing_since), floor<milliseconds>(now - *last_failure)};
}

bool ReceiverSums::is_idle(WallTime now) const { return waiting == 0 && used && now - *used >= kIdleReceiver; }

bool DisabledReceivers::has(const std::optional<ReceiverFailing>& failing) const {
  const std::chrono::days after = after_;
  return after.count() > 0 && failing && failing->lasts >= after;
}

bool DisabledReceivers::is_probe_due(const ReceiverFailing& failing) {
  return failing.ago >= kProbeEach || failing.ago.count() < 0;
}

}  // namespace vodlift
