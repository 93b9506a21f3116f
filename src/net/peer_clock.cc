#include "net/peer_clock.h"

#include <algorithm>

namespace vodlift::net {
namespace {

using std::chrono::nanoseconds;
using namespace std::chrono_literals;

// The transfer thread looks once a second at least. Longer is our own delay.
constexpr nanoseconds kLongestLook = 2s;
constexpr nanoseconds kSlice = 1s;

}  // namespace

void PeerClock::add_time(SteadyTime now) {
  if (last_ && !held_) {
    const nanoseconds passed = std::min<nanoseconds>(now - *last_, kLongestLook);
    total_ += passed;
    slice_ += passed;
  }
  last_ = now;
}

PeerClock::Verdict PeerClock::look(SteadyTime now, std::int64_t bytes) {
  add_time(now);
  if (limits_.total > 0ms && total_ >= limits_.total) return Verdict::too_slow;
  if (limits_.stall == 0ms || slice_ < std::min<nanoseconds>(kSlice, limits_.stall)) return Verdict::fine;
  const bool slow = (bytes - slice_from_) * nanoseconds(1s).count() < kStalledBytesPerSecond * slice_.count();
  still_ = slow ? still_ + slice_ : 0ns;
  slice_ = 0ns;
  slice_from_ = bytes;
  return still_ >= limits_.stall ? Verdict::stalled : Verdict::fine;
}

void PeerClock::hold(SteadyTime now) {
  add_time(now);
  held_ = true;
}

void PeerClock::go_on(SteadyTime now) {
  add_time(now);
  held_ = false;
}

}  // namespace vodlift::net
